"""Enhancement of low-dose mammograms with patch-wise pix2pix networks.

Plain Python: no Qt and, but for :mod:`LowDoseContrastLib.nodes`, no MRML. Importing the package
imports nothing heavy; torch and pydicom are loaded by the files that need them.
"""

__version__ = "0.1.0"

RESEARCH_NOTICE = "For research use only. Not for diagnosis or treatment."
