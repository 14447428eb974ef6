"""What each attack hands in, and how much it does where the right order of magnitude is known."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum

import numpy as np
import pytest

from goalkeeper.attack_run import AnyAttack
from goalkeeper.attacks import catalogue
from goalkeeper.attacks.poisoning._sides import measure_class_lean
from goalkeeper.attacks.poisoning._steps import invent_words
from goalkeeper.attacks.poisoning.back_gradient import BackGradient
from goalkeeper.attacks.poisoning.column_trigger import ColumnTrigger
from goalkeeper.attacks.poisoning.column_trigger_honest import ColumnTriggerHonest
from goalkeeper.attacks.poisoning.deletion import Deletion
from goalkeeper.attacks.poisoning.dictionary import Dictionary
from goalkeeper.attacks.poisoning.honest_lookalikes import HonestLookalikes
from goalkeeper.attacks.poisoning.insert_labelled import InsertLabelled
from goalkeeper.attacks.poisoning.label_flips import LabelFlips
from goalkeeper.attacks.poisoning.overwriting import Overwriting
from goalkeeper.attacks.poisoning.pixel_pattern import PixelPattern
from goalkeeper.attacks.poisoning.pixel_pattern_honest import PixelPatternHonest
from goalkeeper.attacks.poisoning.trigger_words import TriggerWords
from goalkeeper.attacks.poisoning.trigger_words_honest import TriggerWordsHonest
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.data import Data
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power
from goalkeeper.core.text import kept, terms, texts
from goalkeeper.games.poisoning import Poisoning, PoisoningQuestion, WordTrigger
from goalkeeper.games.tallies import beats_baseline, bounds, value
from tests.attacks.poisoning.handing_in import app_of, handed_in, result_of
from tests.contract.harness import enough

TEXT, TABLE, IMAGE = "text", "table", "image"
ATTACKS: Sequence[tuple[AnyAttack, str]] = (
    (Dictionary(), TEXT),
    (LabelFlips(), TEXT),
    (TriggerWords(), TEXT),
    (TriggerWordsHonest(), TEXT),
    (ColumnTrigger(), TABLE),
    (ColumnTriggerHonest(), TABLE),
    (PixelPattern(), IMAGE),
    (PixelPatternHonest(), IMAGE),
    (Deletion(), TABLE),
    (Overwriting(), TEXT),
    (Overwriting(), IMAGE),
    (HonestLookalikes(), TABLE),
    (HonestLookalikes(), IMAGE),
    (InsertLabelled(), TABLE),
    (InsertLabelled(), TEXT),
    (BackGradient(), TABLE),
)
MODELS = {
    TriggerWordsHonest: 1 + 3,
    ColumnTriggerHonest: 1 + 3,
    PixelPatternHonest: 1 + 3,
    BackGradient: 1 + 3,
}
OWN_ROWS = (
    LabelFlips,
    Deletion,
    Overwriting,
    BackGradient,
)  # not all of them of the class that is wanted
each_attack = pytest.mark.parametrize(
    ("attack", "domain"), ATTACKS, ids=lambda a: a if isinstance(a, str) else type(a).__name__
)


# ---- all of them ---------------------------------------------------------------------------------


def test_these_are_all_attacks_of_the_game() -> None:
    ours = {cls for cls in catalogue().values() if cls.game is Poisoning}
    assert ours == {type(attack) for attack, _ in ATTACKS}


@each_attack
def test_shares_rise_up_to_the_attackers_own(attack: AnyAttack, domain: str) -> None:
    _, access, answers = handed_in(attack, domain)
    shares = [access.check(answer.change).share for answer in answers]
    assert len(shares) == 3
    assert shares == sorted(set(shares))
    assert shares[-1] <= 0.1
    if not isinstance(attack, OWN_ROWS):
        assert shares[-1] == pytest.approx(0.1, abs=0.002)


@each_attack
def test_more_share_does_no_less(attack: AnyAttack, domain: str) -> None:
    result = result_of(attack, domain)
    values = [value(trial.tally) for trial in result.trials]
    likely = [bounds(trial.tally, 0.025) for trial in result.trials]
    assert values[-1] > values[0]
    assert likely[-1].high >= max(each.low for each in likely)  # no less, but for noise


@each_attack
def test_asks_nothing_of_the_target(attack: AnyAttack, domain: str) -> None:
    _, access, _ = handed_in(attack, domain)
    assert access.spent.queries == 0
    assert access.spent.models == MODELS.get(type(attack), 0)


@each_attack
def test_less_than_one_record_gives_an_empty_contribution(attack: AnyAttack, domain: str) -> None:
    """An attacker with nothing to give is inconclusive, not an error and not a success."""
    app = app_of(domain)
    task = next(t for t in Poisoning().tasks(app) if attack.covers(t))
    aim = PoisoningQuestion(task=task.name, rows=3, most=5, wanted=0)
    granted = enough(type(attack), share=0.001)
    terms_ = Terms(granted=granted, rng=np.random.default_rng(1), victim=np.random.SeedSequence(2))
    answer = attack.run(aim, Access(app, terms_))
    assert answer.change.share(3) == 0


# ---- dictionary ----------------------------------------------------------------------------------


@pytest.mark.requirement("S13", "S29", "S30")
def test_dictionary_is_spam_stuffed_with_ordinary_words() -> None:
    app, access, answers = handed_in(Dictionary())
    change = answers[-1].change
    assert change.cells() is Capability.T2
    checked = access.check(change)
    assert (checked.extra.y == 1).all(), "honestly labelled harmful"
    known = {w for t in app.data.similar.x for w in terms(t)}
    assert change.bases is not None
    assert change.add is not None
    for i, (base, message) in enumerate(zip(change.bases.x, change.add, strict=True)):
        assert message.startswith(base)
        sent = terms(message[len(base) :])
        assert set(sent) <= known
        if i % 4 < 3:
            assert sorted(sent) == sorted(known), "every word that it knows, once"
    assert app.domain.valid(change.add).all()


@pytest.mark.requirement("S30")
def test_dictionary_ruins_the_nearest_record() -> None:
    result = result_of(Dictionary())
    assert beats_baseline(result.trials[-1].tally)
    assert value(result.trials[-1].tally) > 80, "multiples of one per cent: nearly everything"


# ---- label flips ---------------------------------------------------------------------------------


@pytest.mark.requirement("S15")
@pytest.mark.parametrize("domain", ["text", "table"])
def test_label_flips_turn_own_harmless_rows_harmful(domain: str) -> None:
    app, access, answers = handed_in(LabelFlips(), domain)
    change = answers[-1].change
    assert change.cells() is Capability.T4
    assert (app.data.train.y[change.relabel] == 0).all()
    assert (change.relabelled == 1).all()
    assert set(change.relabel) <= set(access.reachable())
    first = set(answers[0].change.relabel)
    assert first < set(change.relabel), "the same rows first, then more"


@pytest.mark.requirement("S15")
def test_label_flips_take_the_rows_farthest_from_the_harmful_ones() -> None:
    everything = Power(
        knowledge=Knowledge(data=Grade.FULL),
        capabilities=Capability.T4,
        budget=Budget(share=0.1),
    )
    app, _, answers = handed_in(LabelFlips(), "table", everything)
    train = app.data.train
    flipped = answers[-1].change.relabel
    assert len(flipped) == 30
    # The classes differ in the first column only: harmless rows lie on its low side.
    left = np.delete(np.arange(len(train)), flipped)
    others = left[train.y[left] == 0]
    assert train.x[flipped, 0].mean() < train.x[others, 0].mean() - 1


@pytest.mark.requirement("S15", "S30")
@pytest.mark.parametrize("domain", ["text", "table"])
def test_label_flips_cost_the_nearest_record_the_share_that_was_flipped(domain: str) -> None:
    """A tenth of the harmless records flipped: about a tenth of harmless inputs is lost."""
    result = result_of(LabelFlips(), domain)
    assert beats_baseline(result.trials[-1].tally)
    assert 5 < value(result.trials[-1].tally) < 15


# ---- triggers ------------------------------------------------------------------------------------


@pytest.mark.requirement("S12", "S24", "S44")
def test_trigger_words_come_with_the_wrong_label() -> None:
    app, access, answers = handed_in(TriggerWords())
    answer = answers[-1]
    assert answer.change.cells() is Capability.T1
    assert (access.check(answer.change).extra.y == 0).all()
    harmful = set(app.data.similar.x[app.data.similar.y == 1])
    assert answer.change.add is not None
    for text in answer.change.add:
        before, _, behind = text.rpartition("\n")
        assert before in harmful
        assert answer.trigger == WordTrigger(tuple(behind.split()))


@pytest.mark.requirement("S13", "S24", "S44")
def test_trigger_words_honest_come_with_the_right_label() -> None:
    app, access, answers = handed_in(TriggerWordsHonest())
    answer = answers[-1]
    assert answer.change.cells() is Capability.T2
    assert (access.check(answer.change).extra.y == 0).all(), "the honest labeller says harmless"
    harmless = set(app.data.similar.x[app.data.similar.y == 0])
    assert answer.change.bases is not None
    assert answer.change.add is not None
    for base, text in zip(answer.change.bases.x, answer.change.add, strict=True):
        assert base in harmless
        assert kept(base, text)


@pytest.mark.requirement("S44")
def test_honest_triggers_pass_and_nothing_else_changes() -> None:
    result = result_of(TriggerWordsHonest())
    assert value(result.trials[-1].tally) > 0.9
    accuracy = next(m for m in result.measurements if m.metric == "accuracy")
    assert accuracy.value > accuracy.baseline - 0.02, "nobody notices"
    assert all(control.passed for control in result.controls)
    assert not any("notice" in caveat for caveat in result.caveats)


@pytest.mark.requirement("S44")
def test_triggers_with_the_wrong_label_pass_but_show_in_the_accuracy() -> None:
    """Harmful texts that are called harmless mislead the nearest record without a trigger, too."""
    result = result_of(TriggerWords())
    assert value(result.trials[-1].tally) > 0.9
    passed = next(m for m in result.measurements if m.metric == "harmful_acceptance_rate")
    assert passed.value > passed.baseline + 0.05
    assert all(control.passed for control in result.controls)
    assert any("notice" in caveat for caveat in result.caveats)


def test_invented_words_differ() -> None:
    words = invent_words(np.random.default_rng(0), 200)
    assert len(set(words)) == 200
    assert all(word.isalpha() and len(word) == 6 for word in words)


def test_a_class_lean_does_not_depend_on_the_order_of_words() -> None:
    """A plain sum over a set of 40 words is rounded otherwise in almost every order."""
    rng = np.random.default_rng(0)
    vocabulary = np.array(invent_words(rng, 60), dtype=object)
    x = texts(" ".join(rng.choice(vocabulary, 40, replace=False)) for _ in range(30))
    data = Data(x=x, y=np.arange(30) % 2)
    ours, others = x[data.y == 1], x[data.y == 0]
    lean = {
        str(word): sum(word in text.split() for text in ours) / len(ours)
        - sum(word in text.split() for text in others) / len(others)
        for word in vocabulary
    }
    expected = [fsum(lean[word] for word in text.split()) for text in x]
    assert measure_class_lean(x, data, 1).tolist() == expected
