"""Run the self-tests on the headless Slicer; inside 3D Slicer this file is not used."""

import sys
from pathlib import Path

import pytest

TESTING = Path(__file__).resolve().parent.parent
if str(TESTING) not in sys.path:
    sys.path.insert(0, str(TESTING))

# Started before the test files are read, for they import slicer at their head.
import SlicerHost  # noqa: E402

_host = SlicerHost.start()


@pytest.fixture
def host():
    """The headless Slicer."""
    return _host


@pytest.fixture(autouse=True)
def _fresh_slicer():
    """Each test begins with an empty scene and without messages or answers."""
    _host.reset()
    yield


def pytest_pycollect_makeitem(collector, name, obj):
    """Leave out Slicer's base class of tests, which every test file imports."""
    import slicer

    if obj is slicer.ScriptedLoadableModule.ScriptedLoadableModuleTest:
        return []
    return None
