"""Paired-dose acquisitions of a structured breast phantom, one file for each step of the chain.

phantom (outline, texture, inserts) -> beam -> scatter -> blur -> heel -> noise -> defects ->
digitisation, put together in acquisition; simulation makes folders of DICOM files with their truth.
"""
