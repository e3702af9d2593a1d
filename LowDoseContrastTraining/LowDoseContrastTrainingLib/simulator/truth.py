"""The truth of a simulated arrangement: images without noise, the inserts, the mask."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from LowDoseContrastLib.atomic import atomic_output
from LowDoseContrastLib.errors import InputError

from . import beam
from .acquisition import Arrangement
from .dicom_exposure import laterality_of, oriented

STEP = 1 / 64  # of a pixel value, to which images are rounded: they compress well and lose nothing of note


def write_truth(paths: dict[str, Path], made: Arrangement, doses: Iterable[str]) -> None:
    """Write the files of the truth of an arrangement that are missing from ``paths`` (:func:`.layout.truth_paths`).

    - ``DOSE.nrrd``: float32 pixel values without noise, to 1/64 of a pixel value;
    - ``inserts.nrrd``: uint16, 0 or the ``id`` of the insert;
    - ``mask.nrrd``: uint8, 1 where there is phantom;
    - ``truth.json``: density, doses, outline, and every insert with centre, size and kind.

    Everything is oriented as in the image files: mirrored for a right breast.

    Raises:
        InputError: the disk is full.
    """
    paths["facts"].parent.mkdir(exist_ok=True, parents=True)
    for dose in doses:
        if not paths[dose].exists():
            _write(paths[dose], made, np.rint(made.noise_free(dose) / STEP) * np.float32(STEP))
    for name, image in (("inserts", made.phantom.insert_map), ("mask", made.phantom.mask.astype(np.uint8))):
        if not paths[name].exists():
            _write(paths[name], made, image)
    if not paths["facts"].exists():
        with atomic_output(paths["facts"]) as temporary:
            temporary.write_text(json.dumps(facts(made, doses), indent=1) + "\n")


def facts(made: Arrangement, doses: Iterable[str]) -> dict[str, Any]:
    """Return the contents of ``truth.json``."""
    return {
        "arrangement": made.number + 1,
        "laterality": laterality_of(made.number),
        "density": made.phantom.density,
        "density_measured": made.phantom.measured_density(),
        "doses_mgy": {dose: made.dose_mgy(dose) for dose in doses},
        "offset": made.parameters.offset,
        "outline": dataclasses.asdict(made.phantom.outline),
        "inserts": insert_list(made),
    }


def insert_list(made: Arrangement) -> list[dict[str, Any]]:
    """Return the inserts: ``id`` in the map, kind, material, centre, size, thickness, contrast.

    Centres are in mm from the corner of the first pixel of the file, and in pixels from the centre
    of the first pixel; ``contrast`` is that of the primary within 5 cm of gel and film where the
    insert is thickest. Blur reduces it for small details.
    """
    parameters = made.parameters
    spectrum = beam.spectrum(parameters.beam, parameters.absorber)
    listed = []
    for index, insert in enumerate(made.phantom.inserts):
        entry = {"id": index + 1, **dataclasses.asdict(insert)}
        if laterality_of(made.number) == "R":
            entry["column_mm"] = parameters.field_mm[1] - insert.column_mm
        entry["row"], entry["column"] = (entry[f"{axis}_mm"] / parameters.pixel_mm - 0.5 for axis in ("row", "column"))
        entry["contrast"] = beam.insert_contrast(insert.material, insert.thickness_mm, spectrum)
        listed.append(entry)
    return listed


def _write(path: Path, made: Arrangement, pixels: np.ndarray) -> None:
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(oriented(pixels, made.number)[np.newaxis])
    pixel = made.parameters.pixel_mm
    image.SetSpacing((pixel, pixel, 1.0))
    with atomic_output(path) as temporary:
        try:
            sitk.WriteImage(image, str(temporary), useCompression=True, compressionLevel=2)
        except RuntimeError as error:
            raise InputError(path, "cannot be written", "check the free space on the disk") from error
