"""What every process shares: values, errors, settings, filters, keys, the Redis client."""
