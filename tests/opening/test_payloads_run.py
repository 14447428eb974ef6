"""The payloads are real: ordinary readers run their code, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.opening.payloads import payloads

LEAST = 60
# Reads each listed file as the reader that is listed beside it would, in a forked process.
READ = """
import io, json, os, sys, threading, warnings
warnings.simplefilter("ignore")
import joblib, numpy, pickle, torch, yaml
import sklearn.model_selection
for file, how in json.load(open(sys.argv[1])):
    if os.fork():
        os.wait()
        continue
    content = io.BytesIO(open(file, "rb").read())
    try:
        if how in ("pickle", "twice"):
            pickle.load(content)
            pickle.load(content) if how == "twice" else None
        elif how == "joblib":
            joblib.load(content)
        elif how in ("numpy", "npz"):
            found = numpy.load(content, allow_pickle=True)
            [found[key] for key in found.files] if how == "npz" else None
        elif how == "torch":
            torch.load(content, weights_only=False)
        elif how == "yaml":
            yaml.unsafe_load(content.read())
    except BaseException:
        pass
    for thread in threading.enumerate():
        thread.join(5) if thread is not threading.current_thread() else None
    os._exit(0)
"""


@pytest.mark.validation
def test_ordinary_readers_run_the_payloads(tmp_path: Path) -> None:
    listed, folders = [], {}
    for i, payload in enumerate(payloads(tmp_path / "x")):
        if payload.loader:
            folder = folders[payload.name] = tmp_path / str(i)
            folder.mkdir()
            file = tmp_path / f"{i}.bin"
            file.write_bytes(payloads(folder / "marker")[i].content)
            listed.append((str(file), payload.loader))
    (tmp_path / "files.json").write_text(json.dumps(listed))
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", READ, str(tmp_path / "files.json")],
        cwd=ROOT, capture_output=True, stdin=subprocess.DEVNULL, check=False, env={**os.environ},
    )  # fmt: skip
    silent = [name for name, folder in folders.items() if not any(folder.iterdir())]
    assert silent == []
    assert len(folders) >= LEAST
