"""The landing zone: what every source is turned into, and what everything after it is built from."""
