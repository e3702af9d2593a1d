"""How images are measured: noise power, sharpness, bias, contrast and what can be detected in them.

Pixels in, figures out; nothing here knows of files but :mod:`.truth_places`, which reads what a
simulation knows. A stack of realisations is an array (realisations, rows, columns): images of one
object at one dose that differ by their noise alone, each treated by the same method.
"""
