"""Connectors: one folder each. Every connector yields landing objects and nothing else."""
