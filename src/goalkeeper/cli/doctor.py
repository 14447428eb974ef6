"""`goalkeeper doctor`: check the installation."""

from __future__ import annotations

import importlib.util
import json
import os
import tempfile
from pathlib import Path

import typer

from goalkeeper.cli import amounts
from goalkeeper.cli.common import AsJson

EXTRAS = {
    "pyarrow": "parquet",
    "torch": "torch",
    "xgboost": "boosting",
    "lightgbm": "boosting",
    "distributed": "dask",
}


def doctor(as_json: AsJson = False) -> None:
    """Check the installation: versions, extras, machine, executors, store, policy, attacks."""
    from goalkeeper.attacks import catalogue
    from goalkeeper.compute.store import default_root
    from goalkeeper.environment import environment, tool_version
    from goalkeeper.policy import default_policy

    policy = default_policy()
    found = {
        "goalkeeper": tool_version(),
        **environment(),
        **{package: _extra(package) for package in EXTRAS},
        **_machine(),
        "executors": ", ".join(_executors()),
        "store": str(default_root()),
        "attacks": str(len(catalogue())),
        "policy": f"{policy.id} {policy.version} ({policy.sha256[:12]})",
        "temporary files": "writable" if _writable() else "not writable",
    }
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    for name, value in found.items():
        typer.echo(f"{name + ':':<18} {value}")
    typer.echo("next: goalkeeper init --example spam-filter my-filter")


def _extra(package: str) -> str:
    return "installed" if importlib.util.find_spec(package) else f"missing [{EXTRAS[package]}]"


def _machine() -> dict[str, str]:
    """Describe cores, memory and devices; `usable` counts the cores this process may use."""
    import psutil
    from joblib import cpu_count

    memory = psutil.virtual_memory()
    total, free = amounts.format_size(memory.total), amounts.format_size(memory.available)
    return {
        "cores": f"{os.cpu_count()}, {cpu_count()} usable",
        "memory": f"{total}, {free} free",
        "devices": ", ".join(["cpu", *_cuda()]),
    }


def _cuda() -> list[str]:
    if importlib.util.find_spec("torch") is None:
        return []
    import torch

    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return [f"cuda:{i} ({name})" for i, name in enumerate(names)]


def _executors() -> list[str]:
    from goalkeeper.compute.executors import available

    missing = f" (missing [{EXTRAS['distributed']}])"
    has_dask = importlib.util.find_spec("distributed") is not None
    return [name + ("" if name != "dask" or has_dask else missing) for name in available()]


def _writable() -> bool:
    try:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "x").write_text("x")
    except OSError:
        return False
    return True
