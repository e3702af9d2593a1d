"""The bundled pair in Slicer's Sample Data module."""

from __future__ import annotations

from pathlib import Path

import slicer
from slicer.i18n import tr as _

_ICONS = Path(__file__).resolve().parent.parent / "Resources" / "Icons"


def samplePaths() -> dict[str, Path]:
    """The bundled mammograms that are there: a dictionary of paths by dose, ``low`` and ``high``."""
    from LowDoseContrastLib.resources import resource

    folder = resource("SampleData")
    paths = {dose: folder / f"phantom-{dose}.dcm" for dose in ("low", "high")} if folder else {}
    return {dose: path for dose, path in paths.items() if path.is_file()}


def loadSample(dose: str) -> slicer.vtkMRMLVolumeNode:
    """Loads a bundled mammogram with its DICOM header; returns the volume node.

    Raises:
        KeyError: no such dose, or its file was not installed.
    """
    return slicer.util.loadVolume(
        str(samplePaths()[dose]), {"singleFile": True, "name": _("Phantom {dose} dose").format(dose=dose)}
    )


def registerSampleData() -> None:
    """Adds the simulated pair to the Sample Data module."""
    import hashlib

    import SampleData

    for dose, path in samplePaths().items():
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category="LowDoseContrast",
            sampleName=f"MammographyPhantom{dose.capitalize()}Dose",
            thumbnailFileName=str(_ICONS / f"phantom-{dose}.png"),
            uris=path.resolve().as_uri(),
            fileNames=path.name,
            checksums=f"SHA256:{hashlib.sha256(path.read_bytes()).hexdigest()}",
            nodeNames=_("Phantom {dose} dose").format(dose=dose),
            # A .dcm would go to Slicer's DICOM import, and no volume would come of it.
            loadFileTypes="VolumeFile",
            loadFileProperties={"singleFile": True},
            # The buttons of the module call this, scripts (downloadSample) the entries above.
            customDownloader=lambda source, dose=dose: [loadSample(dose)],
        )
