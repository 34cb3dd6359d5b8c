"""What the larger benchmarks are put together from: pictures, a server of them, real Redis and store, turns."""
