"""RunPod's serverless API: endpoints, tickets and the thread that runs them."""
