"""The Open Inference Protocol, version 2: metadata, inference, statistics."""
