"""``slicer.dicomDatabase``: the questions scripts ask of CTK's DICOM database.

Tests fill it with ``addFile``; files are read with pydicom when they are asked about.
"""

from __future__ import annotations


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
        import pydicom

        group, element = (int(part, 16) for part in str(tag).split(","))
        header = pydicom.dcmread(path, stop_before_pixels=True)
        value = header.get((group, element))
        if value is None or value.value is None:
            return ""
        if value.VM > 1:
            return "\\".join(str(item) for item in value.value)
        return str(value.value)

    def instanceValue(self, uid, tag):
        path = self.fileForInstance(uid)
        return self.fileValue(path, tag) if path else ""

    def instances(self):
        return list(self._files)

    def filesForSeries(self, series):
        return [path for path in self._files.values() if self.fileValue(path, "0020,000E") == series]
