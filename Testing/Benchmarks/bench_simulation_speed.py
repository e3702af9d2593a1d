"""Time and memory of one simulated arrangement at three doses, and how they grow with pixels.

Every size runs in a process of its own, so that the peak is its own: DICOM files, truth and all.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time

SIZES = ((1147, 957), (2294, 1914), (3062, 2394), (4588, 3828))


def measure(rows, columns):
    """Simulates one arrangement in this process; prints seconds and peak memory as JSON."""
    from LowDoseContrastLib.steps import run_to_end
    from LowDoseContrastTrainingLib.simulator.simulation import simulate
    from LowDoseContrastTrainingLib.simulator.simulation_plan import plan

    chosen = plan(1, 1, "essential", None, {"rows": rows, "columns": columns})
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        run_to_end(simulate(folder, chosen))
        seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


def main():
    if len(sys.argv) == 3:
        measure(*map(int, sys.argv[1:]))
        return
    print("one arrangement at three doses, its truth and contact sheet, one process")
    print(f"{'rows x columns':>15}{'megapixels':>12}{'seconds':>9}{'s/megapixel':>13}{'peak GB':>9}")
    for rows, columns in SIZES:
        done = subprocess.run(
            [sys.executable, __file__, str(rows), str(columns)], check=True, capture_output=True, text=True
        )
        result = json.loads(done.stdout)
        pixels = rows * columns / 1e6
        print(
            f"{rows:>7} x {columns:<5}{pixels:>12.1f}{result['seconds']:>9.2f}{result['seconds'] / pixels:>13.2f}{result['peak'] / 1e9:>9.2f}"
        )
    print("asked of 2294 x 1914: at most 20 s and 1.5 GB")


if __name__ == "__main__":
    main()
