"""Commands about jobs: jobs, status, failures, retry, cancel."""
