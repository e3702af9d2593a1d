"""A headless Slicer: scripted modules run, are tested and are drawn without the desktop.

    from SlicerHost import start

    host = start()
    host.loadModule("LowDoseContrast/LowDoseContrast.py")

After ``start()``, ``import slicer, qt, ctk, vtk`` work as inside 3D Slicer.
"""

from __future__ import annotations

_host = None


def start():
    """Start the host; further calls return the one that runs."""
    global _host
    if _host is None:
        from .startup import make_host

        _host = make_host()
    return _host
