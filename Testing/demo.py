"""The main job on the bundled mammogram, through a real MRML scene.

Run by ``python3 Testing/run.py demo``: loads the low-dose DICOM, enhances it with the shipped
model, writes the result as NRRD and as derived DICOM, draws it beside the input in Slicer's own
slice views, and prints what changed.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "Outputs" / "Demo"
DETAIL_MM = 9  # width of the detail shown


def load_sample(name, data_logic):
    import slicer

    node = data_logic.downloadSample(name)
    if node is None:
        raise SystemExit(f"error: the sample {name} could not be loaded; is Resources/SampleData complete?")
    from LowDoseContrastSlicer.windows import showBreast

    showBreast(node)
    slicer.app.processEvents()
    return node


def enhance(logic, low):
    """Enhances with the panel's own steps, showing the progress; returns the enhanced node."""
    parameters = logic.getParameterNode()
    parameters.inputVolume = low
    reason = logic.reasonNotToApply(parameters)
    if reason:
        raise SystemExit(f"error: {reason}")
    steps, shown, progress = logic.steps(parameters), -1, None
    while True:
        try:
            progress = logic.advance(steps, 200, progress)
        except StopIteration as stop:
            print()
            return stop.value
        if int(10 * progress.done) > shown:
            shown = int(10 * progress.done)
            print(f"\r  {logic.progressText(progress):40} {100 * progress.done:3.0f}%", end="", flush=True)


def zoom(node, centre_row, centre_column, width_mm):
    """Shows ``width_mm`` around a pixel in every slice view."""
    import slicer
    import vtk

    toRas = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(toRas)
    point = toRas.MultiplyPoint((centre_column, centre_row, 0, 1))
    for view in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        width, height, depth = view.GetFieldOfView()
        view.SetFieldOfView(width_mm, width_mm * height / width, depth)
        view.JumpSliceByCentering(*point[:3])


def show_detail(low, enhanced, row, column, width_mm):
    """Zooms on a cluster of calcifications and narrows the window to the values around it."""
    import numpy as np
    import slicer
    from LowDoseContrastSlicer.windows import showAlike

    half = int(width_mm / low.GetSpacing()[0] / 2)
    around = slicer.util.arrayFromVolume(low)[0, row - half : row + half, column - half : column + half]
    low.GetDisplayNode().SetWindowLevelMinMax(*np.percentile(around, (0.5, 99.9)))
    showAlike(low, enhanced)
    zoom(low, row, column, width_mm)


def draw_panel(host, enhanced, path):
    """The panel as it stands with the result."""
    import slicer

    slicer.util.selectModule("LowDoseContrast")
    panel = slicer.util.getModuleWidget("LowDoseContrast")
    panel.logic.getParameterNode().outputVolume = enhanced
    slicer.app.processEvents()
    host.grabWidget(panel, path, 460)


def comparison_table(low, enhanced, high, report):
    """Rows of CCI and error against the true high dose: input, gains alone, model, high dose."""
    import numpy as np
    import slicer
    from LowDoseContrastLib.cci import cci
    from LowDoseContrastLib.mask import Breast
    from LowDoseContrastLib.nodes import image_from_node

    images = {name: image_from_node(node).mammogram for name, node in (("low", low), ("high", high))}
    result = image_from_node(low).node_values(slicer.util.arrayFromVolume(enhanced))[0].astype(np.float64)
    before, target = (images[name].pixels[0].astype(np.float64) for name in ("low", "high"))
    tissue = Breast(before, 1).tissue
    ratio = images["high"].dose_mgy / images["low"].dose_mgy
    best = float((before[tissue] @ target[tissue]) / (before[tissue] @ before[tissue]))
    truth = cci(target, images["high"].full_scale, mask=tissue).cci
    rows = []
    compared = {
        "low dose": before,
        f"low dose x dose ratio {ratio:.3f}": ratio * before,
        f"low dose x gain fitted to the high dose {best:.3f}": best * before,
        f"model {report.model}": result,
        "high dose": target,
    }
    for name, image in compared.items():
        index = cci(image, images["high"].full_scale, mask=tissue)
        error = float(np.abs(image - target)[tissue].mean())
        rows.append((name, index.cci, index.cci_norm, abs(index.cci / truth - 1), error))
    return rows


def main():
    sys.path.insert(0, str(ROOT / "Testing"))
    from SlicerHost import start

    print("Starting a headless Slicer and loading the sample pair", flush=True)
    host = start()
    import slicer

    host.loadModule(ROOT / "LowDoseContrast" / "LowDoseContrast.py")
    import SampleData
    from LowDoseContrastLib.cli import table

    OUTPUT.mkdir(parents=True, exist_ok=True)
    data = SampleData.SampleDataLogic()
    low, high = (load_sample(f"MammographyPhantom{dose}Dose", data) for dose in ("Low", "High"))
    logic = slicer.util.getModuleLogic("LowDoseContrast")
    print(f"Enhancing {low.GetName()}")
    enhanced = enhance(logic, low)
    files = {
        name: OUTPUT / name for name in ("enhanced.nrrd", "enhanced.dcm", "comparison.png", "detail.png", "panel.png")
    }
    for name in ("enhanced.nrrd", "enhanced.dcm"):
        logic.exportResult(enhanced, files[name])
    logic.comparison.showSideBySide(low, enhanced)
    host.captureLayout(files["comparison.png"], (1600, 1000))
    show_detail(low, enhanced, 1076, 726, DETAIL_MM)
    host.captureLayout(files["detail.png"], (1600, 820))
    draw_panel(host, enhanced, files["panel.png"])
    from LowDoseContrastLib.nodes import report_of

    report = report_of(enhanced)
    print(f"\n{table(logic.resultRows(enhanced)[0], ('', 'before', 'after'))}\n")
    rows = comparison_table(low, enhanced, high, report)
    print(
        table(
            rows, ("against the true high dose, in the tissue", "CCI", "CCI-norm", "CCI ratio error", "mean abs. error")
        )
    )
    print(
        "Closer to the high dose is better; a higher CCI is not. The network adds no quanta: for research use only.\n"
    )
    for path in files.values():
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
