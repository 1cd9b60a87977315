"""The toolkit of the embedded sample: generated files in the publishers' formats.

What belongs here: drawing numbers, and writing files and vintages. What does not: a source (sources/<id>/sample.py) or
what several sources share (sources/shared/sample), reading (clean), archiving (origins, archive). Names, codes and
coordinates of places are real, because they identify the places; every count and weight is generated from a fixed
seed. The sample proves that the pipeline works; it proves nothing about drugs.
"""
