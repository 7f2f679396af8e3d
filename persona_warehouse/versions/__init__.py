"""Versions of personas: what changed from one release to another, and whether it is more than noise."""
