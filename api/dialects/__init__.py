"""What clients of other systems already speak, over the same queue, workers and errors as `/v1`."""
