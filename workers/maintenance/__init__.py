"""What a worker does every few seconds beside its tasks: sweep, report that it lives, defer and build indexes, watch the device."""
