"""The embedded sample: generated files in the agencies' formats, one module per source.

What belongs here: generating. What does not: reading (clean), archiving (origins, archive). Names, codes
and coordinates of places are real, because they identify the places; every count and weight is generated
from a fixed seed, except the published totals in calibration.py that the generated figures add up to.
The sample proves that the pipeline works; it proves nothing about drugs.
"""
