"""Check the installation: `goalkeeper doctor`."""

from __future__ import annotations

import importlib.util
import json
import os
import tempfile
from pathlib import Path

import typer

from goalkeeper.cli.common import AsJson

EXTRAS = {"pyarrow": "parquet", "torch": "torch"}


def doctor(as_json: AsJson = False) -> None:
    """Check the installation: versions, extras, policy, attacks, and that files can be written."""
    from goalkeeper.assessing import environment, tool_version
    from goalkeeper.attacks import catalogue
    from goalkeeper.policy import default_policy

    policy = default_policy()
    extras = {
        package: "installed" if importlib.util.find_spec(package) else f"missing [{extra}]"
        for package, extra in EXTRAS.items()
    }
    found = {
        "goalkeeper": tool_version(),
        **environment(),
        **extras,
        "cores": str(os.cpu_count()),
        "attacks": str(len(catalogue())),
        "policy": f"{policy.id} {policy.version} ({policy.sha256[:12]})",
        "temporary files": "can be written" if _writable() else "cannot be written",
    }
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    for name, value in found.items():
        typer.echo(f"{name + ':':<18} {value}")
    typer.echo("next: goalkeeper init --example spam-filter my-filter")


def _writable() -> bool:
    try:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "x").write_text("x")
    except OSError:
        return False
    return True
