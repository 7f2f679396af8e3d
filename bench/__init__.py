"""Benchmarks: how fast and how large each stage is, next to the bare engine on the same data (README.md)."""
