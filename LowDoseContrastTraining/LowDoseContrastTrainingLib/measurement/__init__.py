"""How images are measured: noise power, sharpness, bias, contrast and detectability.

Pixels in, figures out; only :mod:`.truth_places` reads files, the truth of a simulation. A stack of
realisations is an array (realisations, rows, columns): images of the same object at the same dose,
treated by the same method, that differ only in their noise.
"""
