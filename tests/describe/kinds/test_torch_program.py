"""Programs that torch stores are recognised and refused, with what to do instead."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from tests.describe.kinds.stored import described, kind_of, refused

torch = pytest.importorskip("torch")


def test_torchscript_is_refused(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls it old
        torch.jit.save(torch.jit.script(torch.nn.Linear(3, 2)), tmp_path / "m.bin")
    error = refused(described(tmp_path, "file: m.bin"), "m.bin is TorchScript, which is not loaded")
    assert "model.weights" in error.advice
    assert "trust: true" not in str(error)


def test_an_exported_program_is_refused(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(torch.nn.Linear(3, 2), (torch.zeros(1, 3),))
        torch.export.save(program, tmp_path / "m.pt2")
    error = refused(described(tmp_path, "file: m.pt2"), "m.pt2 is a torch.export program")
    assert "torch.onnx.export" in error.advice


def test_a_state_dict_is_another_thing(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(3, 2).state_dict(), tmp_path / "m.pt")
    assert kind_of(tmp_path / "m.pt") == []
