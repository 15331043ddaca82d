"""Recorded calls through a changed pipeline: the real plugins, a clock of our own, no provider."""
