"""Images and models that the tests share, small enough to be quick."""

import dataclasses
import importlib.util
import os
import shutil
import sys
import unittest
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
for folder in ("LowDoseContrast", "LowDoseContrastTraining"):
    if importlib.util.find_spec(f"{folder}Lib") is None:  # in 3D Slicer the modules have been loaded from elsewhere
        sys.path.insert(0, str(REPOSITORY / folder))

PYTHON = shutil.which("PythonSlicer") or sys.executable  # in 3D Slicer sys.executable may be Slicer itself
HAS_JPEG2000_ENCODER = (
    importlib.util.find_spec("openjpeg") is not None
)  # of pydicom's, by the package pylibjpeg-openjpeg


def needs(*packages):
    """Skips a test where a package is missing that the extension does without."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    return unittest.skipIf(missing, f"not installed: {', '.join(missing)}")


def environment():
    """Environment variables for a process that finds the libraries where this one does."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def children_of(pid):
    """The processes that a process has started; none where there is no /proc."""
    found = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in found.read_text().split()] if found.exists() else []


def python_of(process):
    """The number of Python itself, where :data:`PYTHON` is a launcher that waits for it."""
    pid = process.pid
    while len(children := children_of(pid)) == 1:
        (pid,) = children
    return pid


def phantom_pixels(shape=(600, 420), bits=14, seed=0, air_bright=True):
    """A half-elliptic breast with texture and quantum-like noise, uint16 (rows, columns)."""
    rng = np.random.default_rng(seed)
    rows, columns = shape
    y, x = np.ogrid[:rows, :columns]
    radius = ((y - rows / 2) / (0.45 * rows)) ** 2 + (x / (0.75 * columns)) ** 2
    tissue = 367 + 45 * np.sin(y / 17) * np.cos(x / 13) + 4.4 * rng.standard_normal(shape)
    values = np.where(radius < 1, tissue, 11500 + 19 * rng.standard_normal(shape))
    values = np.rint(values * (2**bits - 1) / 16383).astype(np.uint16)
    return values if air_bright else (2**bits - 1 - values).astype(np.uint16)


def breast_exposure(dose=3.359, texture=0, noise=1.0, seed=0, shape=(448, 384), offset=2):
    """An exposure of a half-elliptic breast: linear in the dose (mGy), air bright, 14 bits, uint16 (rows, columns).

    ``texture`` picks its structure, ``noise`` multiplies the noise of a detector, of which ``seed`` and dose pick one.
    """
    rows, columns = shape
    y, x = (np.arange(rows)[:, None] - rows / 2) / (0.42 * rows), np.arange(columns)[None] / (0.62 * columns)
    thickness = np.clip((1 - y**2 - x**2) / 0.25, 0, 1) ** 0.5
    radius = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None])
    radius[0, 0] = np.inf
    white = np.random.default_rng([7, texture]).standard_normal(shape)
    structure = np.fft.irfft2(np.fft.rfft2(white) / radius**1.6, s=shape)
    signal = 3190 * dose * np.exp(-3.3 * thickness * (1 + 0.05 * structure / structure.std()))
    random = np.random.default_rng([seed, round(1000 * dose), texture]).standard_normal(shape)
    values = signal + offset + noise * np.sqrt(0.031 * signal + 8) * random
    return np.clip(np.rint(values), 0, 2**14 - 1).astype(np.uint16)


def mammogram(pixels=None, **changes):
    """A For Processing mammogram inside of the domain of :func:`small_model`."""
    from LowDoseContrastLib.mammogram import Mammogram

    pixels = phantom_pixels() if pixels is None else pixels
    stack = pixels[np.newaxis] if pixels.ndim == 2 else pixels
    return dataclasses.replace(
        Mammogram(stack, (0.1, 0.1), 14, "MG", "FOR PROCESSING", "LIN", "MONOCHROME1", 1, 3.359, source="test"),
        **changes,
    )


def small_model(ngf=2, composition="residual", scale="log", norm="batch", architecture="unet_256", seed=0):
    """An untrained generator with plausible statistics, and a card for low-dose For Processing images."""
    import torch
    from LowDoseContrastLib.card import Architecture, Domain, ModelCard
    from LowDoseContrastLib.generator import UNetGenerator
    from LowDoseContrastLib.intensity import Composition, IntensityScale
    from LowDoseContrastLib.model import Model

    torch.manual_seed(seed)
    generator = UNetGenerator(architecture, ngf=ngf, norm=norm).train()
    with torch.no_grad():
        for _ in range(3):
            generator(torch.rand(2, 1, 256, 256) * 2 - 1)
    card = ModelCard(
        "small",
        architecture=Architecture(architecture, ngf=ngf, norm=norm),
        intensity=IntensityScale(scale, 100.0 if scale == "log" else 0.0, 16383.0),
        composition=Composition("residual", 3.43, 0.05, 2.0) if composition == "residual" else Composition(),
        domain=Domain("MG", "FOR PROCESSING", "LIN", 1, (0.09, 0.11), (2.5, 4.5)),
    )
    return Model(card, generator.eval(), sha256="5" * 64)


def write_dicom(path, pixels, photometric="MONOCHROME1", intent="FOR PROCESSING", bits=14, **elements):
    """A minimal MG file, uncompressed; ``elements`` are further DICOM keywords. Returns the path."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.2" + (".1" if intent == "FOR PROCESSING" else "")
    dataset.SOPInstanceUID = generate_uid()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.Modality, dataset.PresentationIntentType = "MG", intent
    dataset.PatientID = dataset.PatientName = "TEST"
    dataset.PixelIntensityRelationship = "LIN" if intent == "FOR PROCESSING" else "LOG"
    dataset.PixelIntensityRelationshipSign = 1 if photometric == "MONOCHROME1" else -1
    dataset.EntranceDoseInmGy = 3.359
    dataset.ImagerPixelSpacing = [0.1, 0.1]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, photometric
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, bits, bits - 1, 0
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    if pixels.ndim == 3:
        dataset.NumberOfFrames = len(pixels)
    dataset.PixelData = pixels.astype("<u2").tobytes()
    dataset["PixelData"].VR = "OW"
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path, enforce_file_format=True)
    return Path(path)


def save_small_model(path, **changes):
    """Writes :func:`small_model` as a model file and returns the path."""
    from LowDoseContrastLib.model import save_model

    model = small_model(**changes)
    return save_model(path, model.generator, model.card, dtype="float32")
