"""The statistics of personas: fit of leads and accounts, traits that distinguish, personas by latent classes.

Pure functions on Arrow tables and NumPy arrays. They know nothing of the warehouse but for `profile`, the night's step.
"""
