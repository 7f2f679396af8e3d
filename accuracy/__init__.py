"""How right the pipeline is, measured against the known truth of sample worlds: `python -m accuracy`."""
