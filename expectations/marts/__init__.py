"""What leaves: one module a mart, named as the mart."""
