"""Packages that Slicer does not bring: asked for, then installed."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Iterable
from typing import Any

import slicer
from slicer.i18n import tr as _

TORCH_REQUIREMENT = ">=2.2"
_DISTRIBUTIONS = {"skimage": "scikit-image"}  # where the name to install is not the name to import


def ensure_torch() -> bool:
    """True if the network can run, after installing with the user's consent what is missing."""
    return ensure_packages(("torch", "safetensors"))


def ensure_packages(packages: Iterable[str]) -> bool:
    """True if ``packages`` can be imported in versions that will do, after installing with the user's consent what is
    missing.

    torch comes from the PyTorch extension, which picks the build that fits the computer; the other
    packages come from the requirements file. Nothing is installed without a yes.
    """
    if not _missing(packages):
        return True
    if "torch" in packages and _missing(("torch",)) and not _install_torch():
        return False
    others = [name for name in packages if name != "torch"]
    if not _missing(others):
        return True
    from LowDoseContrastLib.resources import resource

    requirements = resource("requirements.txt")
    question = _("LowDoseContrast needs the Python packages listed in {file}. Install them now?").format(
        file=requirements
    )
    if not slicer.util.confirmOkCancelDisplay(question, windowTitle=_("Low-Dose Contrast")):
        return False
    slicer.util.pip_install(["-r", str(requirements)])
    return not _missing(others)


def _missing(packages: Iterable[str]) -> list[str]:
    """Those of the packages, by the names they are imported under, that are not installed or too old."""
    importlib.invalidate_caches()
    requirements = _requirements()
    return [name for name in packages if not _is_there(name) or not _will_do(name, requirements)]


def _is_there(name: str) -> bool:
    """Whether a package can be imported: a folder without its files is none."""
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.origin is not None


def _will_do(name: str, requirements: Any) -> bool:
    distribution = _DISTRIBUTIONS.get(name, name)
    try:
        version = importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return distribution not in requirements or requirements[distribution].contains(version, prereleases=True)


def _requirements() -> dict[str, Any]:
    """The versions that will do, by distribution: packaging's SpecifierSets."""
    from LowDoseContrastLib.resources import resource
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    lines = resource("requirements.txt").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    return {"torch": SpecifierSet(TORCH_REQUIREMENT), **{each.name: each.specifier for each in found}}


def _half_installed(name: str) -> str | None:
    """What is left of an installation that was broken off: a folder; None where there is none."""
    spec = importlib.util.find_spec(name)
    if spec is None or (spec.origin is not None and _will_do(name, {})):
        return None
    return next(iter(spec.submodule_search_locations or ()), None)


def _install_torch() -> bool:
    remains = _half_installed("torch")
    if remains:
        slicer.util.errorDisplay(
            _(
                "PyTorch is only half installed. Close Slicer, delete the folder {folder}, start Slicer and press "
                "the button again."
            ).format(folder=remains),
            windowTitle=_("Low-Dose Contrast"),
        )
        return False
    try:
        import PyTorchUtils
    except ImportError:
        slicer.util.errorDisplay(
            _(
                "The network needs PyTorch. Install the PyTorch extension in the Extensions Manager, restart "
                "Slicer and press the button again."
            ),
            windowTitle=_("Low-Dose Contrast"),
        )
        return False
    # The extension asks for consent itself and returns None where the user declines.
    return (
        PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=True, torchVersionRequirement=TORCH_REQUIREMENT)
        is not None
    )
