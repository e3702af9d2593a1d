"""The CCI of volumes in the scene, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from .table_nodes import fillTable

if TYPE_CHECKING:
    from LowDoseContrastLib.cci import CciVariant

    from .parameters import LowDoseContrastTrainingParameterNode

_MAMMOGRAPHY = (None, "MG")  # None: not stated


class VolumeContrast:
    """Nodes in, a table node and volume nodes out."""

    def volumes(self, parameters: LowDoseContrastTrainingParameterNode) -> list[slicer.vtkMRMLVolumeNode]:
        """The chosen volumes that are still in the scene, the reference last if it is not among them."""
        chosen = list(parameters.cciVolumes) + [parameters.cciReference]
        found = []
        for node in chosen:
            if node is not None and slicer.mrmlScene.IsNodePresent(node) and node not in found:
                found.append(node)
        return found

    def reasonNotToMeasure(self, parameters: LowDoseContrastTrainingParameterNode) -> str:
        """Why nothing can be measured, in a sentence; empty if it can."""
        from LowDoseContrastLib.errors import InputError

        if not self.volumes(parameters):
            return _("Tick the volumes to measure.")
        try:
            self.variant(parameters)
        except InputError as error:
            return str(error)
        return ""

    def variant(self, parameters: LowDoseContrastTrainingParameterNode) -> CciVariant:
        """The chosen CciVariant. Raises InputError."""
        from LowDoseContrastLib.cci import CciVariant

        scale = f"window:{parameters.cciWindow}" if parameters.cciScale == "window" else parameters.cciScale
        return CciVariant(scale, mask="breast" if parameters.cciBreast else "none")

    def measure(self, parameters: LowDoseContrastTrainingParameterNode) -> slicer.vtkMRMLTableNode:
        """Measures the chosen volumes, then writes the table and, if they are wanted, the maps; returns the table node.

        Raises:
            InputError: a volume that is empty or has colours, is of another modality, or shows no breast; nothing is
                written then.
        """
        from LowDoseContrastLib.nodes import write_cci_map

        variant, reference = self.variant(parameters), parameters.cciReference
        measured = {
            node.GetID(): self._measured(node, variant, parameters.cciMaps) for node in self.volumes(parameters)
        }
        of_reference = measured[reference.GetID()][0] if reference and reference.GetID() in measured else None
        rows = [
            self._row(slicer.mrmlScene.GetNodeByID(identity), found, of_reference)
            for identity, (found, _maps) in measured.items()
        ]
        if not parameters.cciTable:
            parameters.cciTable = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", _("CCI of volumes"))
        fillTable(parameters.cciTable, self._columns(), rows)
        for identity, (found, maps) in measured.items():
            if maps is not None:
                write_cci_map(maps, found, slicer.mrmlScene.GetNodeByID(identity))
        return parameters.cciTable

    def _measured(
        self, node: slicer.vtkMRMLVolumeNode, variant: CciVariant, keepMap: bool
    ) -> tuple[dict[str, Any], Any]:
        """(figures, map or None) of a volume."""
        from LowDoseContrastLib.cci import measure
        from LowDoseContrastLib.errors import InputError
        from LowDoseContrastLib.nodes import comparable_image

        mammogram = comparable_image(node).mammogram
        if mammogram.modality not in _MAMMOGRAPHY:
            raise InputError(
                node.GetName(),
                _("is of modality {modality} and no mammogram").format(modality=mammogram.modality),
                _("untick it"),
            )
        try:
            found, maps = measure(mammogram, variant)
        except InputError as error:
            raise error.about(node.GetName()) from error
        return found, maps if keepMap else None

    def _columns(self) -> list[str]:
        return [
            _("Volume"),
            _("CCI"),
            _("CCI-norm"),
            _("CCI ratio"),
            _("Pixel values: levels"),
            _("Scale"),
            _("Windows"),
        ]

    def _row(
        self, node: slicer.vtkMRMLVolumeNode, found: dict[str, Any], reference: dict[str, Any] | None
    ) -> list[str]:
        ratio = f"{found['cci'] / reference['cci']:.3f}" if reference and reference["cci"] else ""
        if found is reference:
            ratio = _("1 (reference)")
        limits = _("{low:g} to {high:g}: 0 to {levels}").format(**found)
        return [
            node.GetName(),
            f"{found['cci']:.4f}",
            f"{found['cci_norm']:.5f}",
            ratio,
            limits,
            found["scale"],
            str(found["windows"]),
        ]
