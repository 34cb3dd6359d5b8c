"""Building blocks of the larger benchmarks: pictures, a picture server, real Redis and store, and timed runs."""
