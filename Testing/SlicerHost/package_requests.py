"""``slicer.packaging``: checks are real, installations are only recorded.

A test answers an installation with ``host.packages.handler``, a function that takes
the list of requirements and may raise; without one every installation "succeeds".
"""

from __future__ import annotations

import importlib.metadata
import subprocess
import types

from packaging.requirements import InvalidRequirement, Requirement


class PackageRequests:
    """What was asked to be installed or removed, and who answers."""

    def __init__(self):
        self.installed = []
        self.uninstalled = []
        self.handler = None
        self.pretended_missing = set()

    def clear(self):
        self.__init__()


def load_requirements(path):
    """The requirements of a requirements file; comments and options are passed over."""
    with open(path) as file:
        lines = [line.strip() for line in file]
    return [Requirement(line) for line in lines if line and line[0] not in "#-"]


def load_pyproject_dependencies(path):
    """The dependencies of a pyproject.toml; KeyError when it has no project table."""
    try:
        import tomllib
    except ImportError:  # Python 3.10
        import tomli as tomllib
    with open(path, "rb") as file:
        data = tomllib.load(file)
    if "project" not in data:
        raise KeyError(f"pyproject.toml has no [project] table: {path}")
    return [Requirement(item) for item in data["project"].get("dependencies", [])]


def _requirements(value):
    if isinstance(value, str):
        try:
            return [Requirement(value)]
        except InvalidRequirement:
            return [Requirement(item) for item in value.split()]
    if isinstance(value, Requirement):
        return [value]
    if isinstance(value, list):
        return [Requirement(item) if isinstance(item, str) else item for item in value]
    raise TypeError(f"Expected str, Requirement, or list, got {type(value).__name__}")


def build_packaging_module(requests):
    """The module ``slicer.packaging``, which records into ``requests``."""

    def satisfied(requirement):
        if requirement.marker is not None and not requirement.marker.evaluate():
            return True
        if requirement.name in requests.pretended_missing:
            return False
        try:
            return importlib.metadata.version(requirement.name) in requirement.specifier
        except importlib.metadata.PackageNotFoundError:
            return False

    def pip_check(req):
        """Whether the requirements are installed."""
        return all(satisfied(item) for item in _requirements(req))

    def pip_ensure(
        requirements,
        constraints=None,
        skip_packages=None,
        prompt_install=True,
        prompt_restart=True,
        requester=None,
        skip_in_testing=True,
        show_progress=True,
    ):
        """Install what is missing after asking; RuntimeError when the user declines."""
        from slicer import app, util

        missing = [item for item in _requirements(requirements) if not satisfied(item)]
        if not missing or (skip_in_testing and app.testingEnabled()):
            return None
        if prompt_install:
            title = f"{requester} - Install Python Packages" if requester else "Install Python Packages"
            text = (
                f"{len(missing)} Python package(s) need to be installed.\n\n"
                "This will modify Slicer's Python environment. Continue?"
            )
            detail = "\n".join(f"- {item}" for item in missing)
            if not util.confirmOkCancelDisplay(text, title, detailedText=detail):
                raise RuntimeError("User declined package installation")
        return pip_install(
            [str(item) for item in missing], constraints=constraints, skip_packages=skip_packages, requester=requester
        )

    def pip_install(
        requirements,
        constraints=None,
        no_deps_requirements=None,
        skip_packages=None,
        blocking=True,
        show_progress=True,
        requester=None,
        logCallback=None,
        completedCallback=None,
    ):
        """Record the request; CalledProcessError when the handler refuses."""
        names = requirements.split() if isinstance(requirements, str) else list(requirements)
        requests.installed.append(names)
        code = 0
        try:
            if requests.handler is not None:
                requests.handler(names)
        except Exception as error:
            code = 1
            if blocking:
                raise subprocess.CalledProcessError(1, ["pip", "install", *names]) from error
        if not blocking and completedCallback:
            completedCallback(code)
        return [] if skip_packages is not None else None

    def pip_uninstall(requirements, *_, **__):
        """Record the request."""
        requests.uninstalled.append(requirements)

    module = types.ModuleType("slicer.packaging", __doc__)
    for item in (load_requirements, load_pyproject_dependencies, pip_check, pip_ensure, pip_install, pip_uninstall):
        setattr(module, item.__name__, item)
    module.isPipInstallInProgress = lambda: False
    return module
