"""Simulate, prepare and train: paired-dose mammography for low-dose enhancement.

Plain Python (numpy, scipy; torch and pydicom where a step needs them): no Qt and
no MRML, so that clusters and notebooks use the same code as 3D Slicer. Imports
``LowDoseContrastLib``, never the other way.

A folder for each thing that is done, and each uses only those above it in this list:

- ``common``: folders of runs, names of files, settings files, random streams, memory, pages of pictures;
- ``simulator``: acquisitions of a phantom at several doses;
- ``measurement``: noise, sharpness, contrast, detectability, and how near an image comes to another;
- ``dose_reduction``: a mammogram as it would be at a part of its dose;
- ``dataset``: from paired mammograms to patches (pairing, background, cutting, 8 bits, splits);
- ``training``: pix2pix, the recipes of the paper's four runs, and the run itself;
- ``baselines``: what any model must stand beside;
- ``evaluation``: models beside baselines on what was held out, and the report;
- ``controls``: scenes on which a method that only looks good is found out;
- ``reproduction``: the paper's experiment, its tables and group means;
- ``commands``: the command line, one file for each command.
"""

__version__ = "0.1.0"
