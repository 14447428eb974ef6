"""Planted code: the files that the attack writes."""

from __future__ import annotations

import io
import pickletools

import numpy as np
import pytest

from goalkeeper.attacks.planted_code._payloads import CALLS, cut_off, hide, payloads
from goalkeeper.attacks.planted_code.pickle_inside import PickleInside
from goalkeeper.core.access import Access, Terms
from goalkeeper.games.planted_code import GenuineFile, PlantedCode
from goalkeeper.games.planted_code.game import TASK
from goalkeeper.opening import scan
from tests.contract.harness import build, contest, enough
from tests.model_files import joblib_file


def question_and_access() -> tuple[GenuineFile, Access]:
    app = build(PickleInside, "table", "rigged", 0)
    terms = Terms(
        granted=enough(PickleInside), rng=np.random.default_rng(0), victim=np.random.SeedSequence(0)
    )
    deal = PlantedCode().deal(app, TASK, np.random.default_rng(0))
    return deal.question, Access(app, terms)


@pytest.mark.requirement("S24")
def test_planted_files_are_whole_pickles_that_go_on_as_the_genuine_model() -> None:
    genuine, access = question_and_access()
    files = PickleInside().run(genuine, access)
    assert len(files) == len(CALLS) + 6
    assert len({file.content for file in files}) == len(files)
    for file in files[:-1]:
        assert file.content.endswith(genuine.content[2:])
        assert scan(file.content).dangerous, file.kind
    alone = [hide(joblib_file(3), opcodes) for _, opcodes in payloads()]
    for content in alone:
        pickletools.dis(content, io.StringIO())  # raises for opcodes that do not fit together


def test_a_file_that_is_cut_off_cannot_be_read_to_its_end() -> None:
    _, opcodes = next(payloads())
    found = scan(cut_off(opcodes))
    assert found.dangerous == ("os.system",)
    assert found.problems


@pytest.mark.requirement("S24")
def test_the_summary_says_what_was_counted() -> None:
    planted = contest("pickle_inside", "table", TASK.name, "fair", 0)
    assert planted.summary.startswith("0 of 26 files with code hidden inside")
    assert "a scan without loading finds 26 of them" in planted.summary
