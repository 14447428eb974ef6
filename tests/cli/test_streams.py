"""Standard streams of a process that runs the user's code."""

from __future__ import annotations

import warnings

import pytest

from goalkeeper.cli import streams
from goalkeeper.compute import executors
from goalkeeper.compute.executor import Execution


def test_a_warning_of_a_line_is_printed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(warnings, "showwarning", lambda message, *_: shown.append(str(message)))
    streams.warn_once()
    for call in range(3):
        with warnings.catch_warnings():  # as scikit-learn does at every call
            warnings.simplefilter("always")
            warnings.warn(f"the solver has not converged, whatever was tried: {call}", stacklevel=1)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("another one", stacklevel=1)
    assert shown == ["the solver has not converged, whatever was tried: 0", "another one"]


def test_a_warning_of_ours_is_one_line_without_its_place(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    streams.warn_once()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        for _ in range(2):
            executors.make(Execution(scheduler="tcp://far:8786"), 1)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: the connection to the Dask scheduler at tcp://far:8786 is ")
