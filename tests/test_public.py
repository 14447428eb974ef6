"""The public surface: what it holds, and that it works as the documentation says."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import goalkeeper as gk
from goalkeeper.core.need import ProtectionNeed
from goalkeeper.environment import tool_version
from tests.attacks.membership.gaussian import application


def test_every_public_name_is_there_and_said_once() -> None:
    assert sorted(gk.__all__) == dir(gk)
    assert all(getattr(gk, name) is not None for name in gk.__all__)
    with pytest.raises(AttributeError, match="no 'nothing'"):
        gk.nothing  # noqa: B018


def test_modules_never_hide_public_functions() -> None:
    for name in ("planning", "attack_run", "assessing"):
        importlib.import_module(f"goalkeeper.{name}")
    assert callable(gk.plan)
    assert callable(gk.run_attack)
    assert callable(gk.assess)


def test_an_old_name_works_and_warns_of_the_new_one() -> None:
    """A name that is deprecated leads to a public one, and goes in a version yet to come."""
    for old, (new, version) in gk._DEPRECATED.items():
        assert old not in gk.__all__
        says = rf"goalkeeper\.{old} is now goalkeeper\.{new}; {version} has the new name only"
        with pytest.warns(DeprecationWarning, match=says) as caught:
            assert getattr(gk, old) is getattr(gk, new)
        assert caught[0].filename == __file__, "it points to who uses the old name"
        assert numbers(version) > numbers(tool_version()), f"{old} is due to be removed"
    assert "play" in gk._DEPRECATED


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def test_importing_goalkeeper_imports_nothing_heavy() -> None:
    code = "import goalkeeper, sys; print(sum(m in sys.modules for m in ('numpy', 'pandas')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


def test_an_application_made_in_python_is_assessed(tmp_path: Path) -> None:
    from dataclasses import replace

    app = application(0, n=300)
    need = ProtectionNeed(goal=gk.Goal.PRIVACY, level=1)
    app = replace(app, needs={gk.Goal.PRIVACY: need})
    assessment = gk.assess(
        app, attackers=("customer",), only=("privacy",), attacks=("loss_threshold",)
    )
    assert set(assessment.goals) == {gk.Goal.PRIVACY}
    assessment.save(tmp_path / "assessment.json")
    assert gk.Assessment.from_folder(tmp_path) == assessment
    frame = assessment.to_frame()
    assert "loss_threshold" in set(frame["attack"])
    (evidence,) = gk.run_attack("loss_threshold", app, "customer")
    assert evidence.status is gk.Status.TESTED
    assert any(entry.unit for entry in gk.plan(app).entries)
