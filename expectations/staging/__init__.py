"""What enters: one module a staged object, named as its table."""

from persona_warehouse.landing.contract import STREAMS, objects

# stream and object of every staged table, in the order of the landing contract
OBJECTS = tuple((stream, name) for stream in STREAMS for name in objects(stream))
