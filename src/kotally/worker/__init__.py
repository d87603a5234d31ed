"""The worker: what happens by itself."""
