"""Whole inputs of every kind that the fuzzer mutates, all small."""

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Python"))
import lowdosecontrast_examples as examples  # noqa: E402
from lowdosecontrast_training import TINY, write_data_set  # noqa: E402

SHAPE = (150, 110)
KINDS = ("dicom", "png", "tiff", "nrrd", "nifti", "model", "checkpoint", "manifest", "recipe")


def write_seeds(folder):
    """Kind -> files; beside them ``set`` (a data set), ``tiny.json`` (a recipe), ``pair`` (a high dose)."""
    low = examples.phantom_pixels(SHAPE)
    found = {
        "dicom": _dicom(folder, low),
        "png": _by_itk(folder, low, (".png",)),
        "tiff": _tiff(folder, low),
        "nrrd": _by_itk(folder, low, (".nrrd", ".nhdr")),
        "nifti": _by_itk(folder, low, (".nii", ".nii.gz")),
        "model": [examples.save_small_model(folder / "small.safetensors", architecture="unet_128")],
        "checkpoint": _checkpoints(folder),
        "manifest": [write_data_set(folder / "set", {"train": 2, "val": 1, "test": 1}) / "manifest.json"],
        "recipe": _recipes(folder),
    }
    (folder / "tiny.json").write_text(json.dumps({"name": "run1", **TINY, "epochs": 1}))
    study = {"StudyInstanceUID": "1.2.3", "EntranceDoseInmGy": 11.5}
    examples.write_dicom(folder / "high.dcm", np.minimum(low.astype(int) * 3, 16383), **study)
    return found


def _dicom(folder, pixels):
    import pydicom
    import SimpleITK as sitk
    from pydicom.uid import JPEG2000Lossless, RLELossless

    study = {"StudyInstanceUID": "1.2.3"}
    files = [
        examples.write_dicom(folder / "native.dcm", pixels, **study),
        examples.write_dicom(
            folder / "presented.dcm", pixels >> 2, "MONOCHROME2", "FOR PRESENTATION", 12,
            WindowCenter=[2000, 1500], WindowWidth=[3000, 900], PixelPaddingValue=0, **study
        ),
        examples.write_dicom(folder / "stack.dcm", np.stack([pixels, pixels[::-1]]), **study),
    ]  # fmt: skip
    syntaxes = [RLELossless] + [JPEG2000Lossless] * examples.HAS_JPEG2000_ENCODER
    for number, syntax in enumerate(syntaxes):
        dataset = pydicom.dcmread(files[0])
        dataset.compress(syntax)
        dataset.save_as(folder / f"encoded-{number}.dcm")
        files.append(folder / f"encoded-{number}.dcm")
    for name, kind in (("JPEG", np.uint16), ("JPEG", np.uint8), ("JPEG2000", np.uint16)):
        writer, path = sitk.ImageFileWriter(), folder / f"{name}-{np.dtype(kind)}.dcm"
        writer.SetImageIO("GDCMImageIO")
        writer.SetUseCompression(True)
        writer.SetCompressor(name)
        writer.SetFileName(str(path))
        try:
            writer.Execute(sitk.GetImageFromArray((pixels >> (6 if kind == np.uint8 else 0)).astype(kind)))
        except RuntimeError:  # some ITK have no such encoder
            continue
        files.append(path)
    return files


def _by_itk(folder, pixels, endings):
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(pixels)
    image.SetSpacing((0.1, 0.1))
    files = []
    for ending in endings:
        files.append(folder / f"image{ending}")
        sitk.WriteImage(image, str(files[-1]), False)
    if ".nhdr" in endings:
        files = files[:1]  # a detached header needs its data beside it
    return files


def _tiff(folder, pixels):
    import tifffile

    choices = {
        "plain": {"photometric": "minisblack"},
        "white": {"photometric": "miniswhite", "compression": "zlib"},
        "tiled": {"photometric": "minisblack", "tile": (64, 64)},
    }
    for name, options in choices.items():
        tifffile.imwrite(folder / f"{name}.tif", pixels, **options)
    tifffile.imwrite(folder / "pages.tif", np.stack([pixels, pixels]), photometric="minisblack")
    return [folder / f"{name}.tif" for name in (*choices, "pages")]


def _checkpoints(folder):
    import torch
    from safetensors.torch import save_file

    weights = {
        name: tensor.contiguous()
        for name, tensor in examples.small_model(architecture="unet_128", composition="direct")
        .generator.state_dict()
        .items()
    }
    torch.save(weights, folder / "latest_net_G.pth")
    save_file(weights, str(folder / "net_G.safetensors"))
    return [folder / "latest_net_G.pth", folder / "net_G.safetensors"]


def _recipes(folder):
    files = [folder / "recipe.json", folder / "recipe.toml"]
    files[0].write_text(json.dumps({"name": "run1", **TINY}))
    files[1].write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in {"name": "run1", **TINY}.items()))
    return files
