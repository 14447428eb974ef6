"""Indicator words come out of labels alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks.indicator_words.indicator_words import IndicatorWords
from goalkeeper.core.application import Application
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.evidence import AttackResult, Gain
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.games.indicator_words import RankingAim, WordIndicators
from goalkeeper.games.indicator_words.game import TASK
from goalkeeper.games.shared.indicators import list_common_words
from goalkeeper.games.tallies import beats_baseline
from tests.attacks.extraction.doors import access_to, mailbox

FILTERS = {
    "tf-idf": make_pipeline(TfidfVectorizer(), LogisticRegression(C=10, max_iter=1000)),
    "bayes": make_pipeline(CountVectorizer(), MultinomialNB()),
}


@pytest.fixture(scope="module", params=FILTERS)
def app(request: pytest.FixtureRequest) -> Application:
    pipeline: Pipeline = FILTERS[request.param]
    return mailbox(pipeline)


def result_of(app: Application, queries: float, data: Grade = Grade.NONE) -> AttackResult:
    granted = Power(
        knowledge=Knowledge(data=data),
        capabilities=Capability.M2,
        view=View.LABELS,
        budget=Budget(queries=queries),
    )
    this = AttackRun(
        attack=IndicatorWords(), game=WordIndicators(), task=TASK, granted=granted, seed=0
    )
    return evaluate(app, this)


def tally(found: AttackResult) -> Gain:
    last = found.trials[-1].tally
    assert isinstance(last, Gain)
    return last


@pytest.mark.requirement("S17", "S33")
def test_an_outsider_finds_indicators_with_1000_labels(app: Application) -> None:
    """Chance finds 1 of 50; measured on the example: 14 of the 27 (22) that public words hold."""
    found = result_of(app, 1000)
    assert found.cost.queries == 1000
    assert tally(found).successes >= 8
    assert beats_baseline(tally(found))


@pytest.mark.requirement("S16", "S33")
def test_more_labels_find_all_that_were_considered(app: Application) -> None:
    found = result_of(app, 10_000)
    reached = next(m for m in found.measurements if m.metric.startswith("indicators among"))
    assert tally(found).successes >= 0.85 * reached.value * 50
    assert found.curve is not None
    assert len(found.curve.x) == 6
    assert found.curve.value[-1] > found.curve.value[0]


def test_own_mail_names_more_words(app: Application) -> None:
    public, own = result_of(app, 4000), result_of(app, 4000, Grade.PARTIAL)
    reached = [m.measurements[2].value for m in (public, own)]
    assert reached[1] > reached[0]
    assert tally(own).successes > tally(public).successes


def test_texts_keep_within_what_the_application_takes(app: Application) -> None:
    short = replace(app, domain=TextDomain(max_chars=60))
    access = access_to(short, 300, View.LABELS)
    asked: list[str] = []
    query = access.query

    def heard(x: np.ndarray, campaigns: object = None) -> object:
        asked.extend(x)
        return query(x)

    access.query = heard  # type: ignore[assignment, method-assign]
    ranking = IndicatorWords().run(RankingAim(counted=10), access)
    assert max(map(len, asked)) <= 60
    assert len(ranking) == len(set(ranking))


def test_a_single_query_still_gives_a_list(app: Application) -> None:
    access = access_to(app, 1, View.LABELS)
    assert len(IndicatorWords().run(RankingAim(counted=10), access)) > 1000
    assert access.spent.queries == 1


def test_words_too_rare_to_count_are_ranked_last(app: Application) -> None:
    access = access_to(app, 300, View.LABELS, Grade.PARTIAL)
    ranking = IndicatorWords().run(RankingAim(counted=10, share=0.05), access)
    used = set(list_common_words(access.data().x, 0.05, 10_000))
    frequent = [word in used for word in ranking]
    assert 0 < sum(frequent) < len(frequent)
    assert all(frequent[: sum(frequent)])
