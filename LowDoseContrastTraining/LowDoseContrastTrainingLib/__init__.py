"""Simulate, prepare and train: paired-dose mammography for low-dose enhancement.

Plain Python (numpy, scipy; torch and pydicom where a step needs them): no Qt and
no MRML, so that clusters and notebooks use the same code as 3D Slicer. Imports
``LowDoseContrastLib``, never the other way.
"""

__version__ = "0.1.0"
