"""``slicer.dicomDatabase``: the questions scripts ask of CTK's DICOM database.

Files are read with pydicom when they are asked about.
"""

from __future__ import annotations

from pathlib import Path


class ctkDICOMDatabase:
    """Which file holds an instance, and what a file's tags say."""

    isOpen = True

    def __init__(self):
        self._files = {}

    def addFile(self, path):
        """Take a DICOM file in; returns its SOP Instance UID."""
        import pydicom

        header = pydicom.dcmread(path, stop_before_pixels=True)
        self._files[str(header.SOPInstanceUID)] = str(path)
        return str(header.SOPInstanceUID)

    def clear(self):
        self._files.clear()

    def fileForInstance(self, uid):
        """The path of an instance, "" when it is not known."""
        return self._files.get(uid, "")

    def instanceForFile(self, path):
        return next((uid for uid, file in self._files.items() if file == str(path)), "")

    def fileValue(self, path, tag):
        """The value of ``"gggg,eeee"`` in a file, as text; "" when it is absent."""
        value = self._element(path, tag)
        if value is None or value.value is None:
            return ""
        if value.VM > 1:
            return "\\".join(str(item) for item in value.value)
        return str(value.value)

    def fileValueExists(self, path, tag):
        return self._element(path, tag) is not None

    def _element(self, path, tag):
        import pydicom

        group, element = (int(part, 16) for part in str(tag).split(","))
        pixels = group == 0x7FE0
        header = pydicom.dcmread(path, stop_before_pixels=not pixels, defer_size=1024)
        return header.get((group, element))

    def instanceValue(self, uid, tag):
        path = self.fileForInstance(uid)
        return self.fileValue(path, tag) if path else ""

    def instances(self):
        return list(self._files)

    def allFiles(self):
        return list(self._files.values())

    def filesForSeries(self, series, maximum=-1):
        found = [path for path in self._files.values() if self.fileValue(path, "0020,000E") == series]
        return found if maximum < 0 else found[:maximum]

    def instancesForSeries(self, series):
        return [self.instanceForFile(path) for path in self.filesForSeries(series)]

    def seriesForFile(self, path):
        return self.fileValue(path, "0020,000E")


def is_dicom(path):
    """Whether a file has the marks of DICOM, whatever it is called."""
    try:
        with Path(path).open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False
