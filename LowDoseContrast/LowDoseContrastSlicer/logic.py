"""What the module does, without its panel: nodes in, nodes out."""

import time
from typing import Annotated

import slicer
from slicer import vtkMRMLScalarVolumeNode
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from .comparison import Comparison
from .installation import ensure_torch


@parameterNodeWrapper
class LowDoseContrastParameterNode:
    """The choices of the panel.

    inputVolume: the low-dose mammogram. outputVolume: where the result goes, a new volume if None.
    differenceVolume: the last difference volume. model: name of a model at hand. fade: opacity of
    the result over the input. The other fields are those of Settings and Enhancer in the library.
    """

    inputVolume: vtkMRMLScalarVolumeNode
    outputVolume: vtkMRMLScalarVolumeNode
    differenceVolume: vtkMRMLScalarVolumeNode
    model: str = "starter"
    mode: Annotated[str, Choice(["tiles", "whole", "paper"])] = "tiles"
    overlap: Annotated[float, WithinRange(0, 0.9)] = 0.1
    useMask: bool = True
    allowOutOfDomain: bool = False
    device: Annotated[str, Choice(["auto", "cpu", "cuda", "mps"])] = "auto"
    precision: Annotated[str, Choice(["auto", "fp32", "bf16"])] = "auto"
    fade: Annotated[float, WithinRange(0, 1)] = 0.5


class LowDoseContrastLogic(ScriptedLoadableModuleLogic):
    """Nodes in, nodes out; usable without the panel."""

    def __init__(self):
        ScriptedLoadableModuleLogic.__init__(self)
        self.comparison = Comparison()
        self._enhancer = None
        self._enhancerKey = None
        self._image = None
        self._imageKey = None

    def getParameterNode(self):
        return LowDoseContrastParameterNode(super().getParameterNode())

    # Models

    def models(self):
        """The models at hand, as catalogue entries."""
        from LowDoseContrastLib.catalogue import list_models

        return list_models()

    def addModel(self, path):
        """Checks and keeps a model file; returns its name. Raises InputError."""
        from LowDoseContrastLib.catalogue import add_model

        return add_model(path).name

    def addTrainedModel(self, path, name):
        """Adds the model of a training under ``name`` or a similar free one and chooses it; returns its name. Raises InputError."""
        from LowDoseContrastLib.catalogue import add_trained_model

        self.getParameterNode().model = added = add_trained_model(path, name).name
        return added

    def modelSummary(self, name):
        """The model's card in a few lines."""
        from LowDoseContrastLib.card import summary

        entry = self._entry(name)
        if entry is None:
            return _("There is no model of this name; add one.")
        return entry.problem or summary(entry.card)

    def _entry(self, name):
        return next((entry for entry in self.models() if entry.name == name), None)

    def ensureTorch(self):
        """True if torch is there or, with the user's consent, could be installed."""
        return ensure_torch()

    # Enhancing

    def image(self, node):
        """The volume node as a NodeImage, kept until its voxels change. Raises InputError."""
        from LowDoseContrastLib.nodes import image_from_node

        key = (node.GetID(), node.GetImageData().GetMTime() if node.GetImageData() else 0)
        if self._imageKey != key:
            self._image, self._imageKey = None, None
            self._image, self._imageKey = image_from_node(node), key
        return self._image

    def reasonNotToApply(self, parameters):
        """Why Apply cannot be pressed, in one or two sentences; empty if it can."""
        from LowDoseContrastLib.errors import InputError

        if not parameters.inputVolume:
            return _("Choose a low-dose mammogram.")
        if parameters.outputVolume and parameters.outputVolume.GetID() == parameters.inputVolume.GetID():
            return _("The input is never overwritten: choose another output volume.")
        entry = self._entry(parameters.model)
        if entry is None:
            return _("Choose a model, or add one.")
        if entry.problem:
            return entry.problem
        try:
            objections = entry.card.domain.objections(self.image(parameters.inputVolume).mammogram)
        except InputError as error:
            return str(error)
        if objections and not parameters.allowOutOfDomain:
            return _("Outside of the model's domain: {reasons}. Choose another model, or allow it under Advanced.").format(reasons="; ".join(objections))
        return ""

    def steps(self, parameters):
        """Generator: yields Progress, returns the enhanced volume node. Close it to cancel."""
        from LowDoseContrastLib.enhance import Settings
        from LowDoseContrastLib.nodes import write_enhancement
        from LowDoseContrastLib.steps import Progress

        source, target = parameters.inputVolume, parameters.outputVolume
        settings = Settings(parameters.mode, parameters.overlap, parameters.useMask, parameters.allowOutOfDomain)
        yield Progress(0.0, _("Loading the model"))
        enhancer = self._enhancerFor(parameters.model, parameters.device, parameters.precision)
        image = self.image(source)
        enhancement = yield from enhancer.steps(image.mammogram, settings)
        if slicer.mrmlScene.GetNodeByID(source.GetID()) is None:
            raise RuntimeError(_("The input volume was removed while it was being enhanced; nothing was written."))
        if target is None or slicer.mrmlScene.GetNodeByID(target.GetID()) is None:
            target = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", source.GetName() + " enhanced")
        write_enhancement(enhancement, image, source, target)
        return target

    def process(self, parameters):
        """Enhances at once and returns the enhanced volume node."""
        from LowDoseContrastLib.steps import run_to_end

        return run_to_end(self.steps(parameters))

    def exportDicom(self, node, path):
        """Writes an enhanced volume as a DICOM image derived from its source.

        Slicer's own DICOM export knows no mammography. Raises InputError where the source is gone
        or the path cannot be written.
        """
        from LowDoseContrastLib.enhance import provenance
        from LowDoseContrastLib.errors import InputError
        from LowDoseContrastLib.files import write_mammogram
        from LowDoseContrastLib.nodes import report_of, source_of

        source, report = source_of(node), report_of(node)
        if source is None or report is None:
            raise InputError(_("The volume that {name} was made from is no longer in the scene.").format(name=node.GetName()))
        image = self.image(source)
        pixels = image.node_values(slicer.util.arrayFromVolume(node))
        write_mammogram(path, image.mammogram, pixels, *provenance(report), overwrite=True)

    def advance(self, steps, milliseconds):
        """Lets ``steps`` work for about ``milliseconds``; returns the last Progress."""
        end = time.perf_counter() + milliseconds / 1000
        while True:
            progress = next(steps)
            if time.perf_counter() >= end:
                return progress

    def _enhancerFor(self, name, device, precision):
        """The model stays loaded until another model, file version, device or precision is asked for."""
        from LowDoseContrastLib.catalogue import find_model
        from LowDoseContrastLib.enhance import Enhancer
        from LowDoseContrastLib.model import load_model

        path = find_model(name)
        key = (str(path), path.stat().st_mtime_ns, device, precision)
        if self._enhancerKey != key:
            self._enhancer, self._enhancerKey = None, None
            self._enhancer, self._enhancerKey = Enhancer(load_model(path), device, precision), key
        return self._enhancer

    def progressText(self, progress):
        """Message and remaining time for people."""
        if progress.remaining is None:
            return progress.message
        return _("{message}: {seconds:.0f} s left").format(message=progress.message, seconds=progress.remaining)

    def resultRows(self, node):
        """(rows of (measure, before, after), notes) for the table of results; empty without a result."""
        from LowDoseContrastLib.nodes import report_of

        report = report_of(node)
        if report is None:
            return [], []
        variant = report["cci_variant"]
        seam = report["seam_index"]
        rows = [
            (_("CCI, {low:g}-{high:g} to {levels}").format(**variant), f"{report['cci_before']:.3f}", f"{report['cci_after']:.3f}"),
            (_("CCI-norm"), f"{report['cci_norm_before']:.4f}", f"{report['cci_norm_after']:.4f}"),
            (_("Fitted gain"), "", f"{report['gain']:.3f}"),
            (_("Seam index"), "", "-" if seam is None else f"{seam:.3f}"),
            (_("Time"), "", f"{report['seconds']:.2f} s"),
            (_("Device"), "", f"{report['device']}, {report['precision']}"),
            (_("Model"), "", f"{report['model']} ({report['model_sha256'][:8]})"),
        ]
        notes = [_("Out of domain: {reason}").format(reason=reason) for reason in report["out_of_domain"]] + report["notes"]
        return rows, notes
