"""What a run depends on beside the application: versions, platform and command."""

from __future__ import annotations

import platform
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from goalkeeper.compute.versions import source

PACKAGES = ("numpy", "scipy", "scikit-learn", "pandas", "torch", "matplotlib", "jinja2")


def environment() -> dict[str, str]:
    """Describe what the run depends on beside the application."""
    found = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "source": source(),
    }
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def tool_version() -> str:
    """Return the installed version of goalkeeper."""
    try:
        return version("goalkeeper")
    except PackageNotFoundError:
        return "0+unknown"
