"""Swapped models: what the attack puts in place of a stored model."""

from __future__ import annotations

import io

import joblib
import numpy as np
import pytest

from goalkeeper.attacks.swapped_file.swapped_model import SwappedModel
from goalkeeper.core.access import Access, Terms
from goalkeeper.games.swapped_file import AvailableModelFiles, SwappedFile
from goalkeeper.games.swapped_file.game import TASK
from goalkeeper.opening import scan
from tests.contract.harness import build, contest, enough
from tests.model_files import joblib_file


def question_and_access() -> tuple[AvailableModelFiles, Access]:
    app = build(SwappedModel, "table", "rigged", 0)
    terms = Terms(
        granted=enough(SwappedModel), rng=np.random.default_rng(0), victim=np.random.SeedSequence(0)
    )
    deal = SwappedFile().deal(app, TASK, np.random.default_rng(0))
    return deal.question, Access(app, terms)


@pytest.mark.requirement("S24")
def test_one_byte_differs_and_the_model_still_loads_with_nearly_the_same_numbers() -> None:
    question, access = question_and_access()
    files = SwappedModel().run(question, access)
    kinds = [file.kind for file in files]
    assert kinds.count("an older model") == kinds.count("a model of other data") == 2
    assert len(files) == question.tries
    genuine = joblib.load(io.BytesIO(question.content))
    for file in files[4:]:
        pairs = zip(file.content, question.content, strict=True)
        assert sum(a != b for a, b in pairs) == 1
        changed = joblib.load(io.BytesIO(file.content))
        np.testing.assert_allclose(changed["weights"], genuine["weights"], rtol=1e-12)
    for file in files[:4]:
        other = joblib.load(io.BytesIO(file.content))
        assert np.abs(other["weights"] - genuine["weights"]).max() > 1e-6


def test_a_compressed_file_gets_a_byte_at_its_end() -> None:
    content = joblib_file(3)
    question = AvailableModelFiles(
        content=content, numbers=scan(content).arrays, older=(), other=(), tries=3
    )
    _, access = question_and_access()
    files = SwappedModel().run(question, access)
    assert {file.kind for file in files} == {"one byte added at the end"}
    assert all(file.content[:-1] == content for file in files)


@pytest.mark.requirement("S24")
def test_the_summary_says_what_was_counted() -> None:
    swapped = contest("swapped_model", "table", TASK.name, "rigged", 0)
    assert "files came into use unnoticed" in swapped.summary
    assert swapped.trials[0].verified == swapped.trials[0].tally.successes  # type: ignore[union-attr]
