"""What the module does, without its panel: nodes in, nodes out."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slicer
from LowDoseContrastLib.attributes import REPORT_ATTRIBUTE
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from .comparison import Comparison
from .headers import aboutImage
from .installation import ensure_torch
from .parameters import SETTINGS, LowDoseContrastParameterNode
from .volume_roles import roleOf
from .windows import showAlike

if TYPE_CHECKING:
    from LowDoseContrastLib.card import Domain
    from LowDoseContrastLib.catalogue import CatalogueEntry
    from LowDoseContrastLib.enhance import Enhancer
    from LowDoseContrastLib.inspection import Inspection
    from LowDoseContrastLib.nodes import NodeImage
    from LowDoseContrastLib.steps import Progress, Steps

# What an image is read with, by what people call it; torch comes later, when it is needed.
_LIBRARIES = {"pydicom": "pydicom", "scipy.ndimage": "SciPy"}


class LowDoseContrastLogic(ScriptedLoadableModuleLogic):
    """Nodes in, nodes out; usable without the panel."""

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        self.comparison = Comparison()
        self._enhancer: Any = None
        self._enhancerKey: Any = None
        self._inspection: Inspection | None = None
        self.forgetImage()

    def getParameterNode(self) -> LowDoseContrastParameterNode:
        return LowDoseContrastParameterNode(super().getParameterNode())  # type: ignore[call-arg]

    # Models

    def models(self) -> list[CatalogueEntry]:
        """The models at hand, as catalogue entries."""
        from LowDoseContrastLib.catalogue import list_models

        return list_models()

    def addModel(self, path: str | Path) -> str:
        """Checks and keeps a model file; returns its name. Raises InputError."""
        from LowDoseContrastLib.catalogue import add_model

        return add_model(path).name

    def addTrainedModel(self, path: str | Path, name: str) -> str:
        """Adds the model of a training under ``name`` or a similar free one and chooses it.

        Returns its name. Raises InputError.
        """
        from LowDoseContrastLib.catalogue import add_trained_model

        self.getParameterNode().model = added = add_trained_model(path, name).name
        return added

    def modelSummary(self, name: str) -> str:
        """The model's card in a few lines."""
        from LowDoseContrastLib.card import summary

        entry = self._entry(name)
        if entry is None:
            return _("There is no model of this name; add one.")
        return entry.problem or summary(entry.card)

    def _entry(self, name: str) -> CatalogueEntry | None:
        return next((entry for entry in self.models() if entry.name == name), None)

    def ensureTorch(self) -> bool:
        """True if torch is there or, with the user's consent, could be installed."""
        return ensure_torch()

    # The input

    def librarySteps(self) -> Iterator[str]:
        """Generator: yields a text before each library that takes a moment to load the first time, then loads it."""
        import importlib

        for name, label in _LIBRARIES.items():
            if name not in sys.modules:
                yield _("Loading {library}, once").format(library=label)
                importlib.import_module(name)
                yield _("Looking at the volume")

    def librariesAreLoaded(self) -> bool:
        """Whether :meth:`librarySteps` has nothing left to do."""
        return all(name in sys.modules for name in _LIBRARIES)

    def image(self, node: slicer.vtkMRMLVolumeNode) -> NodeImage:
        """The volume node as a NodeImage, kept until its voxels or what tells of its header change.

        Raises:
            InputError: the volume cannot be used; that is kept as well.
        """
        if self._imageKey != self._keyOf(node):
            self._look(node)
        if self._image is None:
            raise self._problem.with_traceback(None)
        return self._image

    def usableImage(self, node: slicer.vtkMRMLVolumeNode | None) -> NodeImage | None:
        """:meth:`image`, or None where there is no volume or it cannot be used."""
        return None if node is None or self._problemOf(node) else self.image(node)

    def _look(self, node: slicer.vtkMRMLVolumeNode) -> None:
        from LowDoseContrastLib.errors import InputError
        from LowDoseContrastLib.nodes import image_from_node

        self.forgetImage()  # before another takes as much memory
        # The header is kept with the node, and whoever hears of that may ask for the image again.
        wasModifying = node.StartModify()
        try:
            self._image = image_from_node(node)
        except InputError as error:
            self._problem = error.with_traceback(None)  # whose frames would keep the voxels
        finally:
            self._imageKey = self._keyOf(node)
            node.EndModify(wasModifying)

    def forgetImage(self) -> None:
        """Lets go of the voxels of the image that was looked at last."""
        self._image, self._problem, self._imageKey, self._inspection = None, None, None, None

    def _keyOf(self, node: slicer.vtkMRMLVolumeNode) -> tuple[Any, ...]:
        from LowDoseContrastLib.nodes import header_key

        voxels = node.GetImageData().GetMTime() if node.GetImageData() else 0
        return (node.GetID(), node.GetName(), voxels, node.GetSpacing(), *header_key(node))

    def aboutVolume(self, node: slicer.vtkMRMLVolumeNode) -> str:
        """What is known of a volume and what is not, in a line; empty without one."""
        image = self.usableImage(node)
        return aboutImage(image) if image else ""  # the reason not to apply says why it cannot be used

    def inspection(self, node: slicer.vtkMRMLVolumeNode | None) -> Inspection | None:
        """All that is believed of a volume and why; None where there is no volume or it cannot be used."""
        from LowDoseContrastLib.inspection import inspect

        image = self.usableImage(node)
        if image and not self._inspection:
            self._inspection = inspect(image.mammogram)
        return self._inspection if image else None

    def stackedFiles(self, node: slicer.vtkMRMLVolumeNode) -> list[Path]:
        """The DICOM files that Slicer has stacked into a volume, each an image of its own.

        Empty for a volume of one file.
        """
        image = self.usableImage(node)
        return list(image.header.stacked) if image else []

    def loadSingleFiles(self, node: slicer.vtkMRMLVolumeNode) -> list[slicer.vtkMRMLVolumeNode]:
        """Loads the files that a volume was stacked from one by one; returns their volume nodes."""
        return [
            slicer.util.loadVolume(str(path), {"singleFile": True, "show": False, "name": f"{node.GetName()} {number}"})
            for number, path in enumerate(self.stackedFiles(node), start=1)
        ]

    def firstInput(self) -> slicer.vtkMRMLVolumeNode | None:
        """The first volume in the scene that could be a mammogram.

        Not one that this extension made. None without one.
        """
        volumes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
        return next(
            (node for node in volumes if not roleOf(node) and node.GetClassName() == "vtkMRMLScalarVolumeNode"), None
        )

    def _problemOf(self, node: slicer.vtkMRMLVolumeNode) -> str:
        from LowDoseContrastLib.errors import InputError

        try:
            self.image(node)
        except InputError as error:
            return str(error)
        return ""

    def resultFor(self, node: slicer.vtkMRMLVolumeNode) -> slicer.vtkMRMLVolumeNode | None:
        """The latest enhanced volume in the scene that was made from ``node``, or None."""
        made = [each for each in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") if self.isResultOf(each, node)]
        return made[-1] if made else None

    def isResultOf(self, result: slicer.vtkMRMLVolumeNode | None, node: slicer.vtkMRMLVolumeNode | None) -> bool:
        """Whether the volume ``result`` holds an enhancement of the volume ``node``."""
        from LowDoseContrastLib.nodes import source_of

        return bool(result and node and source_of(result) is node and result.GetAttribute(REPORT_ATTRIBUTE))

    def outputFor(self, parameters: LowDoseContrastParameterNode) -> slicer.vtkMRMLVolumeNode | None:
        """Where the result of the chosen input should go: the chosen output, but never over the result of another
        volume.

        Returns a volume node, or None for a new one.
        """
        from LowDoseContrastLib.nodes import source_of

        source, output = parameters.inputVolume, parameters.outputVolume
        if output is None or source is None or self.isResultOf(output, source) or source_of(output) is None:
            return output
        return self.resultFor(source)

    # Enhancing

    def reasonNotToApply(self, parameters: LowDoseContrastParameterNode) -> str:
        """Why Apply cannot be pressed, in one or two sentences; empty if it can."""
        source = parameters.inputVolume
        if not source:
            return _("Choose a low-dose mammogram.")
        if parameters.outputVolume and parameters.outputVolume.GetID() == source.GetID():
            return _("The input is never overwritten: choose another output volume.")
        entry = self._entry(parameters.model)
        if entry is None:
            return _("Choose a model, or add one.")
        problem = entry.problem or self._problemOf(source)
        if problem or parameters.allowOutOfDomain:
            return problem
        return self._reasonInImage(entry.card.domain, self.image(source))

    def _reasonInImage(self, domain: Domain, image: NodeImage) -> str:
        objections = domain.objections(image.mammogram)
        if objections:
            return _(
                "Outside of the model's domain: {reasons}. Choose another model, or allow it under Advanced."
            ).format(reasons="; ".join(objections))
        stacked = image.header.stacked
        if stacked:
            text = _(
                "Slicer has stacked {count} files of one series as slices, and only the header of {name} is "
                "known: press Load single files, or allow it under Advanced."
            )
            return text.format(count=len(stacked), name=image.header.path.name)
        unknown = domain.unknowns(image.mammogram)
        if unknown:
            text = _(
                "It cannot be told whether the model fits: the volume does not state its {facts}. Load the DICOM "
                "file, or allow it under Advanced."
            )
            return text.format(facts=", ".join(unknown))
        return ""

    def steps(self, parameters: LowDoseContrastParameterNode) -> Steps[slicer.vtkMRMLVolumeNode]:
        """Generator: yields Progress, returns the enhanced volume node. Close it to cancel."""
        from LowDoseContrastLib.nodes import write_enhancement
        from LowDoseContrastLib.steps import Progress

        source, target = parameters.inputVolume, parameters.outputVolume
        model, device, precision = parameters.model, parameters.device, parameters.precision
        settings = SETTINGS.chosen(parameters)
        # What cannot be cut into pieces is announced before it begins.
        for text in self.librarySteps():
            yield Progress(0.0, text)
        if "torch" not in sys.modules:
            yield Progress(0.0, _("Loading PyTorch, once"))
            import torch  # noqa: F401

            yield Progress(0.0, "")
        if not self._isLoaded(model, device, precision):
            yield Progress(0.0, _("Loading the model {name}").format(name=model))
        enhancer = self._enhancerFor(model, device, precision)
        yield Progress(0.0, _("Enhancing"))
        image = self.image(source)
        yield Progress(0.0, _("Enhancing"))
        enhancement = yield from enhancer.steps(image.mammogram, settings)
        if slicer.mrmlScene.GetNodeByID(source.GetID()) is None:
            raise RuntimeError(_("The input volume was removed while it was being enhanced; nothing was written."))
        if target is None or slicer.mrmlScene.GetNodeByID(target.GetID()) is None:
            target = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", source.GetName() + " enhanced")
        write_enhancement(enhancement, image, source, target)
        yield Progress(1.0, _("Enhancing"))
        showAlike(source, target, image)
        return target

    def process(self, parameters: LowDoseContrastParameterNode) -> slicer.vtkMRMLVolumeNode:
        """Enhances at once and returns the enhanced volume node."""
        from LowDoseContrastLib.steps import run_to_end

        return run_to_end(self.steps(parameters))

    def differenceSteps(self, parameters: LowDoseContrastParameterNode) -> Steps[slicer.vtkMRMLVolumeNode]:
        """Generator: shows what the network did beyond its gain.

        Yields Progress, returns the volume node that holds it.
        """
        source, result = parameters.inputVolume, parameters.outputVolume
        return self.comparison.differenceSteps(source, result, self.image(source), parameters.differenceVolume)

    def exportResult(self, node: slicer.vtkMRMLVolumeNode, path: str | Path) -> str:
        """Writes an enhanced volume with what made it, in the format that the ending of ``path`` names; DICOM becomes
        an image derived from the source.

        Slicer's own DICOM export knows no mammography, and its own Save keeps no report.

        Returns:
            What was written and what had to be assumed, in a sentence or two.

        Raises:
            InputError: the source is gone or was stacked, or the path cannot be written.
        """
        from LowDoseContrastLib.errors import InputError
        from LowDoseContrastLib.files import suffix_of, write_mammogram
        from LowDoseContrastLib.nodes import geometry_of, report_of, source_of

        source, report = source_of(node), report_of(node)
        if source is None or report is None:
            raise InputError(
                "", _("The volume that {name} was made from is no longer in the scene.").format(name=node.GetName())
            )
        image, isDicom = self.image(source), suffix_of(path) == ".dcm"
        if isDicom and image.header.stacked:
            text = _(
                "{name} was stacked from {count} files, each an image of its own; load them one by one and "
                "enhance each."
            )
            raise InputError("", text.format(name=source.GetName(), count=len(image.header.stacked)))
        pixels = image.node_values(slicer.util.arrayFromVolume(node)) if isDicom else slicer.util.arrayFromVolume(node)
        placed = dataclasses.replace(image.mammogram, geometry=geometry_of(node))
        write_mammogram(path, placed, pixels, *report.provenance, overwrite=True, value_of=report.value_of)
        said = _("Saved: {path}.").format(path=path)
        if isDicom and image.header.dataset is None:
            said += " " + _(
                "The source has no DICOM header ({reason}): patient, study, intent and bit depth in the file are "
                "assumed."
            ).format(reason=image.header.reason)
        return said

    def advance(self, steps: Steps[Any], milliseconds: float, last: Progress | None = None) -> Progress:
        """Lets ``steps`` work for about ``milliseconds``, or until they have something else to say than in ``last``;
        returns the newest Progress.

        What they say first must be drawn before they go on, for a step that cannot be cut may follow.
        """
        end = time.perf_counter() + milliseconds / 1000
        while True:
            progress = next(steps)
            if time.perf_counter() >= end or last is None or progress.message != last.message:
                return progress

    def _enhancerFor(self, name: str, device: str, precision: str) -> Enhancer:
        """The model stays loaded until another model, file version, device or precision is asked for."""
        from LowDoseContrastLib.catalogue import find_model
        from LowDoseContrastLib.enhance import Enhancer
        from LowDoseContrastLib.model import load_model

        key = self._enhancerKeyOf(name, device, precision)
        if self._enhancerKey != key:
            self._enhancer, self._enhancerKey = None, None
            self._enhancer, self._enhancerKey = Enhancer(load_model(find_model(name)), device, precision), key
        return self._enhancer

    def _isLoaded(self, name: str, device: str, precision: str) -> bool:
        return self._enhancerKey == self._enhancerKeyOf(name, device, precision)

    def _enhancerKeyOf(self, name: str, device: str, precision: str) -> tuple[Any, ...]:
        from LowDoseContrastLib.catalogue import find_model

        path = find_model(name)
        return str(path), path.stat().st_mtime_ns, device, precision

    def progressText(self, progress: Progress) -> str:
        """Message and remaining time for people."""
        if progress.remaining is None:
            return progress.message
        return _("{message}: {seconds:.0f} s left").format(message=progress.message, seconds=progress.remaining)

    def resultRows(self, node: slicer.vtkMRMLVolumeNode) -> tuple[list[tuple[str, str, str]], list[str]]:
        """(rows of (measure, before, after), notes) for the table of results; empty without a result."""
        from LowDoseContrastLib.nodes import report_of

        report = report_of(node)
        if report is None:
            return [], []
        variant = report.cci_variant
        seam = report.seam_index
        rows = [
            (
                _("CCI, {low:g}-{high:g} to {levels}").format(**variant),
                f"{report.cci_before:.3f}",
                f"{report.cci_after:.3f}",
            ),
            (_("CCI-norm"), f"{report.cci_norm_before:.4f}", f"{report.cci_norm_after:.4f}"),
            (_("Fitted gain"), "", f"{report.gain:.3f}"),
            (_("Seam index"), "", "-" if seam is None else f"{seam:.3f}"),
            (_("Time"), "", f"{report.seconds:.2f} s"),
            (_("Device"), "", f"{report.device}, {report.precision}"),
            (_("Model"), "", f"{report.model} ({report.model_sha256[:8]})"),
        ]
        notes = [_("Out of domain: {reason}").format(reason=reason) for reason in report.out_of_domain] + list(
            report.notes
        )
        return rows, notes
