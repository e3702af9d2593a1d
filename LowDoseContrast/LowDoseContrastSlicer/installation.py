"""Packages that Slicer does not bring: asked for, then installed."""

import importlib.util

import slicer
from slicer.i18n import tr as _

TORCH_REQUIREMENT = ">=2.2"


def ensure_torch():
    """True if the network can run, after installing with the user's consent what is missing."""
    return ensure_packages(("torch", "safetensors"))


def ensure_packages(packages):
    """True if ``packages`` can be imported, after installing with the user's consent what is missing.

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
    question = _("LowDoseContrast needs the Python packages listed in {file}. Install them now?").format(file=requirements)
    if not slicer.util.confirmOkCancelDisplay(question, windowTitle=_("Low-Dose Contrast")):
        return False
    slicer.util.pip_install(["-r", str(requirements)])
    return not _missing(others)


def _missing(packages):
    importlib.invalidate_caches()
    return [name for name in packages if importlib.util.find_spec(name) is None]


def _install_torch():
    try:
        import PyTorchUtils
    except ImportError:
        slicer.util.errorDisplay(
            _("The network needs PyTorch. Install the PyTorch extension in the Extensions Manager, restart Slicer and press the button again."),
            windowTitle=_("Low-Dose Contrast"),
        )
        return False
    # The extension asks for consent itself and returns None where the user declines.
    return PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=True, torchVersionRequirement=TORCH_REQUIREMENT) is not None
