"""Code that every process shares: values, errors, settings, filters, keys, the Redis client."""
