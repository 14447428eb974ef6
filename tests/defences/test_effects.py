"""What each defence does, where the right result is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

import goalkeeper as gk
from goalkeeper.core.data import Data
from goalkeeper.core.power import Grade, View
from goalkeeper.defences import Chosen, apply_chosen, catalogue
from goalkeeper.defences._private_regression import PrivateLogisticRegression, noise_scale
from goalkeeper.defences.abstention import DistanceDetector, Features
from goalkeeper.defences.bagging import BaggingTrainer
from goalkeeper.defences.deduplication import drop_copies
from goalkeeper.defences.label_cleaning import CleaningSettings, LabelCleaner
from goalkeeper.defences.monotone_filter import MonotoneModel
from goalkeeper.defences.padded_texts import PaddingSettings, pad_texts
from goalkeeper.defences.plain_spelling import read
from goalkeeper.defences.suspicious_part import split
from goalkeeper.games.swapped_file import SwappedFile
from tests.defences.applications import (
    APPLICATIONS,
    HAM,
    build_network,
    mail,
    make,
    table,
    texts,
)
from tests.games.tampering import add_byte, result_of, tally


def defended(app: gk.Application, name: str, **settings: Any) -> gk.Application:
    defence = catalogue()[name]()
    return apply_chosen(app, (Chosen(name, defence, defence.settings(**settings)),))


def padded(x: Any, words: int) -> Any:
    return np.array([f"{text} {' '.join(HAM * (words // len(HAM)))}" for text in x], dtype=object)


def caught(app: gk.Application, words: int) -> float:
    """Share of spam that is caught when so many harmless words are added to each."""
    spam = app.data.holdout.x[app.data.holdout.y == 1]
    return float(app.target.answer(padded(spam, words), View.LABELS).labels.mean())


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("padded_texts", {"words": 100, "copies": 4}, 10),
        ("suspicious_part", {"words": 12, "least": 0.6}, 50),
        ("monotone_filter", {"declined": 0.01}, 1000),
    ],
)
def test_padding_hides_spam_no_longer(name: str, settings: dict[str, Any], words: int) -> None:
    app = mail()
    assert caught(app, words) < 0.2
    assert caught(defended(app, name, **settings), words) > 0.8


def test_letters_that_people_read_are_those_that_the_model_reads() -> None:
    hidden = {
        "wi\u200bnner": "winner",
        "pr\u0456z\u0435": "prize",
        "\uff43\uff41\uff53\uff48": "cash",
        "caf\u00e9": "cafe",
        "of\u00adfer": "offer",
        "\u041ere\u03b7": "oren",
    }
    for text, seen in hidden.items():
        assert read(text) == seen
    assert read("Plain, 42%!") == "Plain, 42%!"
    app = mail()
    spam = app.data.holdout.x[app.data.holdout.y == 1]
    letters = str.maketrans("aeopc", "\u0430\u0435\u043e\u0440\u0441")
    respelt = np.array([text.translate(letters) for text in spam], dtype=object)
    caught_by = [
        float(a.target.answer(respelt, View.LABELS).labels.mean())
        for a in (app, defended(app, "plain_spelling"))
    ]
    assert caught_by[0] < 0.8
    assert caught_by[1] > 0.95


def test_no_added_word_lowers_what_speaks_against_a_text() -> None:
    app = mail()
    second = MonotoneModel.fit(app.data.train, 0)
    assert (second.weights >= 0).all()
    assert (second.weights > 0).any()
    rng, x = np.random.default_rng(0), app.data.holdout.x
    words = " ".join([*app.data.train.x, "unheard-of", "42", "?!"]).split()
    for _ in range(20):
        added = rng.choice(words, rng.integers(1, 200))
        for longer in (f"{{}} {' '.join(added)}", f"{' '.join(added)} {{}}"):
            more = np.array([longer.format(text) for text in x], dtype=object)
            assert (second.score(more) >= second.score(x) - 1e-9).all()


def test_what_the_monotone_filter_lets_pass_the_model_answers() -> None:
    app = mail()
    made = defended(app, "monotone_filter", declined=0.01)
    x = app.data.holdout.x
    before, after = (a.target.answer(x, View.SCORES) for a in (app, made))
    declined = after.scores[:, 0] == 0
    assert 0 < declined.mean() < 1
    assert (after.labels[declined] == 1).all()
    np.testing.assert_array_equal(after.scores[~declined], before.scores[~declined])


def test_padded_texts_are_appended_to_what_was_there() -> None:
    x, y = texts(40)
    data = Data(x=x, y=y)
    made = pad_texts(data, 0, harmless=0, settings=PaddingSettings(words=5, copies=2))
    np.testing.assert_array_equal(made.x[:40], x)
    assert len(made) == 40 + 2 * int((y == 1).sum())
    assert set(made.y[40:].tolist()) == {1}
    added = [len(text.split()) - 13 for text in made.x[40:]]
    assert 0 <= min(added) <= max(added) <= 5
    same = pad_texts(data, 0, harmless=0, settings=PaddingSettings(words=5, copies=2))
    np.testing.assert_array_equal(same.x, made.x)


def test_parts_cover_the_whole_text_and_overlap_by_half() -> None:
    words = [f"w{i}" for i in range(23)]
    parts = [part.split() for part in split(" ".join(words), 10)]
    assert [part[0] for part in parts] == ["w0", "w5", "w10", "w15"]
    assert parts[-1][-1] == "w22"
    assert split("few words", 10) == []


def test_regularisation_makes_weights_smaller() -> None:
    app = APPLICATIONS["linear"]()
    before = np.abs(app.target.parameters()["weights"]).sum()
    after = np.abs(defended(app, "regularisation", factor=100).target.parameters()["weights"]).sum()
    assert after < 0.7 * before


def test_leaves_hold_as_many_records_as_asked() -> None:
    app = defended(APPLICATIONS["forest"](), "larger_leaves", records=30)
    tree = app.target.model.estimators_[0].tree_  # type: ignore[attr-defined]
    leaves = tree.children_left == -1
    assert tree.weighted_n_node_samples[leaves].min() >= 30


def test_rare_words_are_not_in_the_vocabulary() -> None:
    words = defended(mail(), "rare_words", texts=3).target.parameters()["vocabulary"]
    assert not [word for word in words if word.startswith("id")]


def test_copies_are_dropped_whatever_their_spaces_and_case() -> None:
    data = Data(x=np.array(["a b", "A  b", "a b", "c"], dtype=object), y=np.array([0, 0, 1, 0]))
    assert drop_copies(data, 0).x.tolist() == ["a b", "a b", "c"]


def test_wrong_labels_are_left_out_and_right_ones_kept() -> None:
    app = mail()
    data = app.data.train
    wrong = np.zeros(len(data), dtype=bool)
    wrong[np.flatnonzero(data.y == 0)[:8]] = True
    poisoned = Data(x=data.x, y=np.where(wrong, 1, data.y))
    assert app.trainer is not None
    cleaner = LabelCleaner(app.trainer, CleaningSettings(least=0.6))
    kept = cleaner.believed(poisoned, 0)
    assert kept[wrong].mean() < 0.3
    assert kept[~wrong].mean() > 0.9


def test_one_record_changes_at_most_one_vote() -> None:
    app = APPLICATIONS["linear"]()
    assert app.trainer is not None
    trainer = BaggingTrainer(app.trainer, 9, 2)
    before = trainer.fit(app.data.train, 0)
    y = app.data.train.y.copy()
    y[0] = 1 - y[0]
    after = trainer.fit(Data(x=app.data.train.x, y=y), 0)
    x = app.data.holdout.x
    votes = [t.answer(x, View.SCORES).scores * 9 for t in (before, after)]
    assert np.abs(votes[0] - votes[1]).max() <= 1 + 1e-9


def test_rounding_keeps_the_class_and_hides_decimals() -> None:
    app = APPLICATIONS["linear"]()
    made = defended(app, "rounding", decimals=1)
    x = app.data.holdout.x
    answers = made.target.answer(x, View.SCORES)
    np.testing.assert_array_equal(answers.labels, app.target.answer(x, View.LABELS).labels)
    np.testing.assert_allclose(answers.scores, np.round(answers.scores, 1), atol=1e-12)


def test_labels_only_hides_scores_from_those_without_the_model() -> None:
    app = APPLICATIONS["linear"]()
    for attacker in defended(app, "labels_only").attackers:
        holds = attacker.power.knowledge.model is Grade.FULL
        assert holds or attacker.power.view <= View.LABELS


def test_a_limit_slows_those_who_ask() -> None:
    app = defended(APPLICATIONS["linear"](), "query_limit", per_day=10)
    limited = [
        a.power.budget.queries_per_day
        for a in app.attackers
        if a.power.knowledge.model is not Grade.FULL
    ]
    assert limited
    assert max(limited) <= 10


def fragile_pictures(n: int = 600) -> tuple[Any, Any]:
    """Pictures whose lower half decides without error but by little, the upper by much, with noise.

    Whoever may change each value by a tenth overturns the lower half, and not the upper one.
    """
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    side = (2.0 * y - 1)[:, None, None]
    upper = 0.5 + 0.2 * side + rng.normal(0, 0.5, size=(n, 2, 4))
    lower = 0.5 + 0.08 * side + rng.normal(0, 0.005, size=(n, 2, 4))
    return np.clip(np.concatenate([upper, lower], axis=1), 0, 1), y


def test_adversarial_training_withstands_more() -> None:
    torch = pytest.importorskip("torch")
    training = {"epochs": 60, "rate": 0.02}
    app = make(build_network, fragile_pictures(), training=training)
    made = defended(app, "adversarial_training", radius=0.1)
    data = app.data.holdout
    x, y = torch.tensor(data.x, dtype=torch.float32), torch.tensor(data.y)

    def withstood(target: Any) -> float:
        found = gk.attacks.evasion.apgd(target.module, x, y, norm="linf", radius=0.1, steps=20)
        answers = target.answer(found.points.double().numpy(), View.LABELS).labels
        return float((answers == data.y).mean())

    assert withstood(app.target) < 0.3
    assert withstood(made.target) > 0.5


def test_noise_is_as_large_as_the_exact_condition_asks() -> None:
    from scipy.stats import norm

    for epsilon in (0.1, 1.0, 8.0):
        sigma = noise_scale(2.0, epsilon, 1e-5)
        spent = norm.cdf(1 / sigma - epsilon * sigma / 2) - np.exp(epsilon) * norm.cdf(
            -1 / sigma - epsilon * sigma / 2
        )
        assert spent == pytest.approx(1e-5, rel=1e-3)
    assert noise_scale(2.0, 1.0, 1e-5) < 2 * np.sqrt(2 * np.log(1.25e5))  # the classical formula


def test_replacing_a_record_moves_private_weights_by_no_more_than_is_hidden() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 3)) * 5, np.arange(60) % 2
    moved = []
    for row in range(20):
        other = x.copy()
        other[row] = -100 * other[row]
        weights = []
        for records in (x, other):
            made = PrivateLogisticRegression(1e6, 0.5, C=0.3, random_state=0).fit(records, y)
            weights.append(np.append(made.coef_[0], made.intercept_) * np.sqrt(2))
        moved.append(float(np.linalg.norm(weights[0] - weights[1])))
    assert 0.05 < max(moved) <= 2 * 0.3


def test_private_weights_recognise_what_is_common() -> None:
    made = defended(mail(), "private_weights", epsilon=8.0)
    data = made.data.holdout
    assert (made.target.answer(data.x, View.LABELS).labels == data.y).mean() > 0.9
    assert made.target.offers >= View.LOGITS


def test_private_gradients_train_to_the_epsilon_that_is_asked() -> None:
    pytest.importorskip("opacus")
    made = defended(APPLICATIONS["torch"](), "private_gradients", epsilon=8.0)
    data = made.data.holdout
    assert (made.target.answer(data.x, View.LABELS).labels == data.y).mean() > 0.8


# ---- integrity -----------------------------------------------------------------------------------


def test_nothing_hides_behind_the_cap_of_a_text() -> None:
    app = mail()
    capped = defended(app, "input_cap", characters=120)
    assert caught(app, 50) == 0
    assert caught(capped, 50) == 1
    spam = app.data.holdout.x[app.data.holdout.y == 1]
    behind = np.array([" ".join(HAM * 5) + " " + text for text in spam], dtype=object)
    assert capped.target.answer(behind, View.LABELS).labels.all()
    short = app.data.holdout.x
    before, after = (a.target.answer(short, View.SCORES).scores for a in (app, capped))
    np.testing.assert_allclose(before, after)


def uneven_rows(n: int = 800) -> tuple[Any, Any]:
    """Ten columns that all decide, one of them much more than the others."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    shift = np.array([3.0] + [0.9] * 9)
    return rng.normal(size=(n, 10)) + np.outer(2 * y - 1, shift / 2), y


def test_no_column_decides_by_itself_once_weights_are_even() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    app = make(make_pipeline(StandardScaler(), LogisticRegression()), uneven_rows())
    made = defended(app, "even_weights", most=1.0)
    data, train = app.data.holdout, app.data.train
    size = np.abs(made.target.parameters()["weights"][0]) * train.x.std(axis=0)
    assert size.max() < 1.5 * size.mean()
    changed = data.x.copy()
    changed[:, 0] = np.where(data.y == 1, -2.5, 2.5)  # the strongest column, as the other class

    def right(target: Any, x: Any) -> float:
        return float((target.answer(x, View.LABELS).labels == data.y).mean())

    assert right(made.target, data.x) > 0.9
    assert right(made.target, changed) > right(app.target, changed) + 0.25


def test_what_is_far_from_the_training_data_is_declined_and_little_else() -> None:
    app = table()
    made = defended(app, "abstention")
    far = np.random.default_rng(0).normal(size=(200, 5)) * 12
    assert app.target.answer(far, View.LABELS).labels.mean() < 0.7
    assert made.target.answer(far, View.LABELS).labels.mean() > 0.97
    x = app.data.holdout.x
    before, after = (a.target.answer(x, View.LABELS).labels for a in (app, made))
    assert (before != after).mean() < 0.06


def test_texts_of_other_words_are_far_as_well() -> None:
    app = mail()
    detector = DistanceDetector.fit(Features(app.domain), app.data.train)
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("qxzjkv"), 5)) for _ in range(400)]
    strange = [" ".join(rng.choice(words, 13)) for _ in range(50)]
    usual, far = (detector.score(x) for x in (app.data.holdout.x, np.array(strange, object)))
    assert np.median(far) > np.quantile(usual, 0.95)


# ---- files and answers ---------------------------------------------------------------------------


def test_another_file_is_noticed_before_it_is_loaded_and_a_retrained_one_is_known() -> None:
    app = table()
    assert tally(result_of(add_byte, SwappedFile().smaller(), app=app)).successes == 1
    signed = defended(app, "file_signature")
    for one in (
        signed,
        defended(signed, "regularisation"),
        defended(signed, "abstention"),
        defended(signed, "rounding"),
    ):
        result = result_of(add_byte, SwappedFile().smaller(), app=one)
        assert tally(result).successes == 0
        assert "noticed by the declared check" in result.measurements[1].note


def test_the_highest_scores_alone_are_shown() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(4, size=400)
    app = make(DecisionTreeClassifier(max_depth=3), (rng.normal(size=(400, 2)) + y[:, None], y))
    x = app.data.holdout.x
    whole = app.target.answer(x, View.SCORES)
    shown = whole
    for k in (1, 2):
        shown = defended(app, "top_k", k=k).target.answer(x, View.SCORES)
        np.testing.assert_array_equal(shown.labels, whole.labels)
        assert ((shown.scores > 0).sum(axis=1) <= k).all()
        np.testing.assert_allclose(shown.scores.sum(axis=1), 1)
    highest = np.sort(whole.scores, axis=1)[:, ::-1][:, :2]
    np.testing.assert_allclose(
        np.sort(shown.scores, axis=1)[:, ::-1][:, :2], highest / highest.sum(axis=1, keepdims=True)
    )
