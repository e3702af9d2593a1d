"""Draw the panels of the extension's modules to PNG files.

Run by ``python3 Testing/run.py panel``; each panel is loaded from the very module
file that 3D Slicer loads, and drawn at its natural height. The section that evaluates
is drawn once more with results, of the shipped model on a small simulation, and the
views that show these.
"""

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ("LowDoseContrast", "LowDoseContrastTraining")


def draw(host, path, folder, width):
    """Draw the panel of one module file; returns the picture's path."""
    module = host.loadModule(path)
    widget = module.widgetRepresentation()
    widget.enter()
    picture = host.grabWidget(widget, folder / f"{path.stem}.png", width)
    widget.exit()
    return picture


def evaluate_small(host, panel, folder):
    """Simulate, prepare and evaluate in ``folder`` by the panel's own steps, and measure the first pair."""
    parameters, logic, ui = panel.parameters, panel.logic, panel.ui
    parameters.acquisitionsFolder, parameters.dataSetFolder = f"{folder}/acquisitions", f"{folder}/pairs"
    parameters.arrangements, parameters.detector, parameters.automaticDose, parameters.seed = 5, "small", False, 4
    parameters.bits, parameters.patchSize, parameters.split, parameters.test = "16", 128, "arrangement", 2
    parameters.judgedSplit = "all"
    parameters.evaluationFolder = f"{folder}/judged"
    for name in ("simulate", "prepare", "evaluate"):
        panel.updateGui()
        getattr(ui, f"{name}Button").click()
        host.waitUntil(lambda section=name: getattr(panel, section).control.child is None, 600)
        print(getattr(ui, f"{name}StatusLabel").text, flush=True)
    low, high = logic.simulation.loadFirstPair(parameters.acquisitionsFolder)
    parameters.cciVolumes, parameters.cciReference = [low, high], high
    ui.cciCollapsibleButton.collapsed = False
    ui.measureButton.click()


def draw_evaluation(host, module, folder, width):
    """Draw the section with results and the views that show them; returns the pictures' paths."""
    panel = module.widgetRepresentation().self()
    panel.enter()
    for name in ("simulate", "prepare", "train"):
        getattr(panel.ui, f"{name}CollapsibleButton").collapsed = True
    with tempfile.TemporaryDirectory(prefix="mammography-") as place:
        evaluate_small(host, panel, place)
        pictures = [host.grabWidget(panel, folder / "evaluation.png", width)]
        panel.ui.showResultsButton.click()
        pictures.append(host.captureLayout(folder / "evaluation-views.png", (1600, 1000)))
    panel.exit()
    return pictures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", type=Path, help="module files (default: the extension's)")
    parser.add_argument("--output", type=Path, default=ROOT / "Outputs" / "Panels")
    parser.add_argument("--width", type=int, default=480, help="in pixels (default: 480)")
    options = parser.parse_args()
    paths = options.modules or [ROOT / name / f"{name}.py" for name in MODULES]
    missing = [path for path in paths if not path.exists()]
    if missing:
        sys.stderr.write(f"error: no module file {missing[0]}\n")
        return 2
    sys.path.insert(0, str(ROOT / "Testing"))
    from SlicerHost import start

    host = start()
    for path in paths:
        print(draw(host, path, options.output, options.width), flush=True)
    if not options.modules:
        print(*draw_evaluation(host, host.loadModule(paths[-1]), options.output, options.width), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
