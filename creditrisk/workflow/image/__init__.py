"""The image of the service: build it, try it, push it."""
