"""Draw the panels of the extension's modules to PNG files.

Run by ``python3 Testing/run.py panel``; each panel is loaded from the very module
file that 3D Slicer loads, and drawn at its natural height.
"""

import argparse
import sys
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


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
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
        print(draw(host, path, options.output, options.width))
    return 0


if __name__ == "__main__":
    sys.exit(main())
