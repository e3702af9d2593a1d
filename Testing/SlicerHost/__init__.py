"""A headless Slicer: scripted modules run, are tested and are drawn without the desktop.

    from SlicerHost import start

    host = start()
    host.loadModule("LowDoseContrast/LowDoseContrast.py")

After ``start()``, ``import slicer, qt, ctk, vtk`` work as inside 3D Slicer.
"""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

_host = None


def start():
    """Start the host; further calls return the one that runs."""
    global _host
    if _host is None:
        from .startup import make_host

        _host = make_host()
    return _host


_FRESH = """
import json, sys
from SlicerHost import start
host = start()
import ctk, qt, slicer, vtk
args = json.loads(sys.argv[2])
exec(compile(sys.argv[1], "<fresh start>", "exec"))
"""


def runFresh(code, *args):
    """Run Python in a freshly started Slicer of its own; returns what it printed.

    ``code`` is a text, which finds ``host``, ``slicer``, ``qt``, ``ctk``, ``vtk`` and the list ``args``, or a
    function that needs nothing else from its file and is called with ``args``. Arguments are what JSON can hold.
    An error there is a RuntimeError here, with what was printed.
    """
    if callable(code):
        code = f"{textwrap.dedent(inspect.getsource(code))}\n{code.__name__}(*args)"
    folder = str(Path(__file__).resolve().parent.parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([folder, *filter(None, sys.path)])}
    done = subprocess.run(
        [sys.executable, "-c", _FRESH, textwrap.dedent(code), json.dumps(args)],
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"the fresh start failed with code {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout
