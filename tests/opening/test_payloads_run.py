"""The payloads are real: ordinary readers run their code, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.opening.payloads import payloads

LEAST = 60
# Reads the file that is named first as the reader that is named second would.
READ = """
import io, os, sys, warnings
warnings.simplefilter("ignore")
content = io.BytesIO(open(sys.argv[1], "rb").read())
how = sys.argv[2]
if how in ("pickle", "twice"):
    import pickle, sklearn.base
    pickle.load(content)
    if how == "twice":
        pickle.load(content)
elif how == "joblib":
    import joblib
    joblib.load(content)
elif how in ("numpy", "npz"):
    import numpy
    found = numpy.load(content, allow_pickle=True)
    [found[key] for key in found.files] if how == "npz" else None
elif how == "torch":
    import torch
    torch.load(content, weights_only=False)
elif how == "yaml":
    import yaml
    yaml.unsafe_load(content.read())
"""


@pytest.mark.validation
def test_ordinary_readers_run_the_payloads(tmp_path: Path) -> None:
    silent, ran = [], 0
    for i, payload in enumerate(payloads(tmp_path / "marker")):
        if not payload.loader:
            continue
        folder = tmp_path / str(i)
        folder.mkdir()
        made = {p.name: p for p in payloads(folder / "marker")}[payload.name]
        file = tmp_path / f"{i}.bin"
        file.write_bytes(made.content)
        command = [sys.executable, "-c", READ, str(file), made.loader]
        subprocess.run(
            command, cwd=ROOT, capture_output=True, timeout=120, stdin=subprocess.DEVNULL,
            check=False, env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )  # fmt: skip
        if any(folder.iterdir()):
            ran += 1
        else:
            silent.append(made.name)
    assert silent == []
    assert ran >= LEAST
