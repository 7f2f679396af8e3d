"""A person's data out of everything that this home holds.

`find` says who it is, `landing` rewrites what was loaded, `releases` what was published, `places` everything else, and
`run` puts them in order. What is to be done stands in a plan (`plan`) until all of it is done, so that an erasure that
was cut off is finished by the next one, or by the next night.
"""
