"""Benchmarks: ``python -m tests.bench`` (``make bench``). What they measure and found is in docs/benchmarks.md."""
