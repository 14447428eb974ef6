"""Overwritten records: which rows, with what, and that labels stay as they were stored."""

from __future__ import annotations

import numpy as np
import pytest

from goalkeeper.attacks.poisoning.overwriting import Overwriting
from goalkeeper.core.data import row_keys
from goalkeeper.core.evidence import DamageCount
from goalkeeper.core.power import Capability
from goalkeeper.core.text import terms
from goalkeeper.games.poisoning import Poisoning
from tests.attacks.poisoning.handing_in import answers_of, app_of, handed_in, knowing, result_of


@pytest.mark.requirement("S14")
@pytest.mark.parametrize("domain", ["table", "image"])
def test_own_harmful_records_get_harmless_content_and_keep_their_label(domain: str) -> None:
    app, access, answers = handed_in(Overwriting(), domain)
    change = answers[-1].change
    assert change.cells() is Capability.T3
    assert (app.data.train.y[change.modify] == 1).all()
    assert set(change.modify) <= set(access.reachable())
    checked = access.check(change)
    assert (checked.extra.y == 1).all()
    harmless = set(row_keys(app.data.similar.x[app.data.similar.y == 0]))
    assert set(row_keys(checked.extra.x)) <= harmless


@pytest.mark.requirement("S14")
def test_an_overwritten_text_holds_several_harmless_ones_as_far_as_they_fit() -> None:
    app, _, answers = handed_in(Overwriting())
    known = {w for t in app.data.similar.x[app.data.similar.y == 0] for w in terms(t)}
    few, many = answers[0].change.modified, answers[-1].change.modified
    assert few is not None
    assert many is not None
    assert len(few[0].split()) == 5 * 6
    assert len(many[0].split()) <= len(few[0].split())
    assert {w for text in few for w in terms(text)} <= known
    assert app.domain.valid(many).all()


@pytest.mark.requirement("S14")
def test_content_closest_to_the_harmful_records_comes_first() -> None:
    app, _, answers = handed_in(Overwriting(), "table", knowing(Capability.T3))
    train, modified = app.data.train, answers[-1].change.modified
    assert modified is not None
    # The classes differ in the first column only: harmful rows lie to the right.
    assert modified[:, 0].min() > np.sort(train.x[train.y == 0, 0])[-40]


@pytest.mark.requirement("S14", "S30")
def test_a_row_that_gets_the_content_of_a_niche_takes_it_over() -> None:
    """With the very harmless record of a niche under a harmful label, the tie goes by order.

    30 rows get the content of 30 of 150 niches; their own niches of harmful inputs are no matter.
    """
    game = Poisoning(kept=1.0, points=1)
    result = result_of(Overwriting(), "image", game=game, share=0.1)
    tally = result.trials[-1].tally
    assert isinstance(tally, DamageCount)
    rows = round(result.trials[-1].share * 300)
    assert all(rows < gained <= 2 * rows for gained in tally.gained), "two inputs a niche"


def test_a_fifth_of_each_harmful_class_stays() -> None:
    _, answers = answers_of(Overwriting(), app_of("table"), knowing(Capability.T3, share=0.9))
    assert len(answers[-1].change.modify) == 120
