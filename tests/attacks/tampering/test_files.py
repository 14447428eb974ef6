"""Swapped models and planted code: what the attacks put in place of a stored model."""

from __future__ import annotations

import io
import pickletools
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from goalkeeper.attacks.tampering._payloads import CALLS, cut_off, hidden, payloads
from goalkeeper.attacks.tampering.pickle_inside import PickleInside
from goalkeeper.attacks.tampering.swapped_model import SwappedModel
from goalkeeper.core.access import Access, Terms
from goalkeeper.games.tampering import Slot, Tampering
from goalkeeper.games.tampering.game import CODE, SWAP
from goalkeeper.targets.unpickling import scan
from tests.contract.harness import AnAttack, build, contest, enough, task_of


def slot_of(attack: AnAttack, task: str) -> tuple[Slot, Access]:
    app = build(attack, "table", "rigged", 0)
    terms = Terms(
        granted=enough(attack), rng=np.random.default_rng(0), victim=np.random.SeedSequence(0)
    )
    deal = Tampering().deal(app, task_of(attack, app, task), np.random.default_rng(0))
    return deal.question, Access(app, terms)


def stored_model(compress: Any) -> bytes:
    rng = np.random.default_rng(0)
    model = LogisticRegression().fit(rng.random((40, 5)), rng.integers(0, 2, 40))
    stream = io.BytesIO()
    joblib.dump(model, stream, compress=compress)
    return stream.getvalue()


@pytest.mark.requirement("S24")
def test_one_byte_differs_and_the_model_still_loads_with_nearly_the_same_numbers() -> None:
    slot, access = slot_of(SwappedModel, SWAP)
    files = SwappedModel().run(slot, access)
    kinds = [file.kind for file in files]
    assert kinds.count("an older model") == kinds.count("a model of other data") == 2
    assert len(files) == slot.tries
    genuine = joblib.load(io.BytesIO(slot.content))
    for file in files[4:]:
        pairs = zip(file.content, slot.content, strict=True)
        assert sum(a != b for a, b in pairs) == 1
        changed = joblib.load(io.BytesIO(file.content))
        np.testing.assert_allclose(changed["weights"], genuine["weights"], rtol=1e-12)
    for file in files[:4]:
        other = joblib.load(io.BytesIO(file.content))
        assert np.abs(other["weights"] - genuine["weights"]).max() > 1e-6


def test_a_compressed_file_gets_a_byte_at_its_end() -> None:
    content = stored_model(3)
    slot = Slot(content=content, numbers=scan(content).arrays, older=(), other=(), tries=3)
    _, access = slot_of(SwappedModel, SWAP)
    files = SwappedModel().run(slot, access)
    assert {file.kind for file in files} == {"one byte added at the end"}
    assert all(file.content[:-1] == content for file in files)


@pytest.mark.requirement("S24")
def test_planted_files_are_whole_pickles_that_go_on_as_the_genuine_model() -> None:
    slot, access = slot_of(PickleInside, CODE)
    files = PickleInside().run(slot, access)
    assert len(files) == len(CALLS) + 6
    assert len({file.content for file in files}) == len(files)
    for file in files[:-1]:
        assert file.content.endswith(slot.content[2:])
        assert scan(file.content).dangerous, file.kind
    alone = [hidden(stored_model(3), opcodes) for _, opcodes in payloads()]
    for content in alone:
        pickletools.dis(content, io.StringIO())  # raises for opcodes that do not fit together


def test_a_file_that_is_cut_off_cannot_be_read_to_its_end() -> None:
    _, opcodes = next(payloads())
    found = scan(cut_off(opcodes))
    assert found.dangerous == ("os.system",)
    assert found.problems


@pytest.mark.requirement("S24")
def test_summaries_say_what_was_counted() -> None:
    swapped = contest("swapped_model", "table", SWAP, "rigged", 0)
    assert "files came into use unnoticed" in swapped.summary
    assert swapped.trials[0].verified == swapped.trials[0].tally.successes  # type: ignore[union-attr]
    planted = contest("pickle_inside", "table", CODE, "fair", 0)
    assert planted.summary.startswith("0 of 26 files with code hidden inside")
    assert "a scan without loading finds 26 of them" in planted.summary
