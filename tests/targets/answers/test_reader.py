"""One reader of answers: every form, every kind, with known right answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from goalkeeper.core.errors import TargetError
from goalkeeper.core.power import View
from goalkeeper.targets.answers import AnswerReader, Declared
from tests.targets.answers.forms import LABELS, LABELS_OF_TWO, LONE, SCORES, Truth

pytest.importorskip("torch")
TWO = ("deny", "grant")
SCORED = [(name, k) for k in (2, 3) for name in SCORES] + [(name, 0) for name in LONE]
LABELLED = [(name, k) for k in (2, 3) for name in LABELS] + [(name, 0) for name in LABELS_OF_TWO]


def decided(raw: Any, n: int, classes: Any = TWO, **said: str) -> AnswerReader:
    return AnswerReader.decide(raw, n, classes, Declared(what="the function f", **said))


@pytest.mark.parametrize(("form", "k"), SCORED)
def test_scores_of_any_form_and_scale_are_the_same_probabilities(form: str, k: int) -> None:
    kind, make = SCORES[form] if k else LONE[form]
    truth = Truth.draw(k or 2)
    raw = make(truth)
    reader = decided(raw, len(truth.y), truth.names)
    answers = reader.read(raw, len(truth.y))
    assert reader.kind == kind
    assert reader.sentence.startswith(f"the function f answers with {kind}")
    assert reader.offers == (View.SCORES if kind == "probabilities" else View.LOGITS)
    np.testing.assert_array_equal(answers.labels, truth.y)
    np.testing.assert_allclose(answers.scores, truth.p, atol=1e-6)


@pytest.mark.parametrize(("form", "k"), LABELLED)
def test_labels_of_any_form(form: str, k: int) -> None:
    make, truth = LABELS[form] if k else LABELS_OF_TWO[form], Truth.draw(k or 2)
    raw = make(truth)
    reader = decided(raw, len(truth.y), truth.names)
    assert (reader.kind, reader.offers) == ("labels", View.LABELS)
    np.testing.assert_array_equal(reader.read(raw, len(truth.y)).labels, truth.y)


@pytest.mark.parametrize("form", [*SCORES, *LONE])
def test_an_input_alone_is_read_as_among_others(form: str) -> None:
    _, make = (SCORES | LONE)[form]
    truth = Truth.draw(2)
    reader = decided(make(truth), len(truth.y))
    for i in range(5):
        one = Truth(truth.z[i : i + 1], truth.p[i : i + 1], truth.y[i : i + 1])
        answers = reader.read(make(one), 1)
        assert answers.labels[0] == truth.y[i]
        np.testing.assert_allclose(answers.scores[0], truth.p[i], atol=1e-6)


@pytest.mark.parametrize("k", [2, 3])
def test_a_single_answer_may_have_lost_its_axis(k: int) -> None:
    truth = Truth.draw(k)
    reader = decided(truth.z, len(truth.y), truth.names)
    np.testing.assert_allclose(reader.read(truth.z[0], 1).scores, truth.p[:1])
    words = decided(truth.words, len(truth.y), truth.names)
    assert words.read(np.array(truth.words[0]), 1).labels == truth.y[0]


@pytest.mark.parametrize(
    ("classes", "raw", "want"),
    [
        ((1, 2), [1, 2, 2], [0, 1, 1]),
        ((1, 2), [0, 1, 1], [0, 1, 1]),
        ((-1, 1), [-1.0, 1.0], [0, 1]),
        ((9, 10), ["10", "9"], [1, 0]),
        ((10, 9), [9, 10], [1, 0]),
        (("01", "02"), [1, 2], [0, 1]),
        (("01", "02"), ["01", "02"], [0, 1]),
        (("False", "True"), [True, False], [1, 0]),
        (("True", "False"), np.array([True, False]), [0, 1]),
        (("no", "yes"), np.array([True, False]), [1, 0]),
        (("00012", "00013"), [13, 12], [1, 0]),
        (("1", "01"), ["01", "1"], [1, 0]),
    ],
)
def test_classes_that_are_numbers_or_truth_values(classes: Any, raw: Any, want: list[int]) -> None:
    reader = decided(raw, len(want), classes)
    np.testing.assert_array_equal(reader.read(raw, len(want)).labels, want)


def test_a_rare_fraction_among_saturated_answers_is_rounded() -> None:
    """A steep sigmoid gives 0.0 and 1.0 in any sample, and a fraction now and then."""
    reader = decided(np.array([0.0, 1.0, 1.0], dtype=np.float32), 3)
    np.testing.assert_array_equal(reader.read(np.array([0.3, 0.7, 1.0]), 3).labels, [0, 1, 1])


def test_votes_are_shares() -> None:
    reader = decided([[3, 7], [10, 0]], 2)
    np.testing.assert_allclose(reader.read([[3, 7], [10, 0]], 2).scores, [[0.3, 0.7], [1.0, 0.0]])
    assert "that sum to 10" in reader.sentence


def test_the_logarithm_of_zero_is_a_certain_answer() -> None:
    raw = np.array([[0.0, -np.inf], [-np.inf, 0.0], np.log([0.25, 0.75])])
    answers = decided(raw, 3).read(raw, 3)
    np.testing.assert_allclose(answers.scores, [[1.0, 0.0], [0.0, 1.0], [0.25, 0.75]], atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "raw", "second"),
    [
        ("probabilities", [0.6, 0.9], [0.6, 0.9]),
        ("probabilities", [60.0, 30.0], [0.6, 0.3]),
        ("log-probabilities", np.log([0.6, 0.9]), [0.6, 0.9]),
        ("logits", [0.6, 0.9], 1 / (1 + np.exp([-0.6, -0.9]))),
        ("margins", [60.0, 0.5], 1 / (1 + np.exp([-60.0, -0.5]))),
    ],
)
def test_what_the_user_says_decides(kind: str, raw: Any, second: Any) -> None:
    scores = decided(raw, 2, kind=kind).read(raw, 2).scores
    np.testing.assert_allclose(scores[:, 1], second)


@pytest.mark.parametrize(
    ("raw", "one", "other"),
    [
        ([0.6, 0.9, 0.7], "the probability of grant", "confidence in a class that is not named"),
        ([20.0, 80.5, 3.0], "the probability of grant in percent", "a logit"),
        ([-0.1, -2.5, -0.9], "the log-probability of grant", "a logit"),
    ],
)
def test_what_could_be_read_in_two_ways_is_asked(raw: Any, one: str, other: str) -> None:
    with pytest.raises(TargetError, match=f"either {one}.* or .*{other}.*model.answers"):
        decided(raw, 3)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (None, "returned None for 3 inputs"),
        (np.zeros((3, 5)), r"shape \(3, 5\), but the application lists 2 classes"),
        (np.zeros((2, 3)), r"shape \(2, 3\) for 3 inputs; it looks transposed"),
        (np.zeros((3, 2, 2)), r"shape \(3, 2, 2\) for 3 inputs"),
        ([[1], [1, 2], [1]], "ragged list"),
        ([0, 1, 2], "answers with the class 2, but"),
        (["deny", "grand", "grant"], r"'grand' \(did you mean grant\?\)"),
        ([[1, 1], [0, 1], [1, 0]], "where one of the classes is 1"),
        (np.array([[0.5, np.nan]] * 3), "NaN or infinite numbers for 3 of 3"),
        (np.array([[0.5, np.inf]] * 3), "NaN or infinite numbers for 3 of 3"),
        (pd.DataFrame({"no": [0.5] * 3, "yes": [0.5] * 3}), "columns called no, yes"),
        ({}, "empty dict"),
        ({"a": [1] * 3, "b": [2] * 3, "c": [1] * 3}, "columns called a, b, c"),
        ({"a": 1, "b": [2, 3]}, "a dict with the entries a, b"),
        ([{"label": "deny"}, 3, 4], "int 3 among dicts"),
        ([{"deny": "high"}] * 3, "scores that are no numbers"),
        ([object()] * 3, "where numbers are needed"),
    ],
)
def test_what_is_no_answer_is_explained_in_one_line(raw: Any, said: str) -> None:
    with pytest.raises(TargetError, match=said) as caught:
        decided(raw, 3)
    assert "the function f" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_number_says_nothing_of_three_classes() -> None:
    with pytest.raises(TargetError, match="does not say which of 3 classes"):
        decided([0.1, 0.7, 0.2], 3, ("a", "b", "c"))


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("probabilities", [-0.5, 0.5]),
        ("probabilities", [[-0.5, 0.5], [0.1, 0.9]]),
        ("log-probabilities", [0.5, -1.0]),
        ("log-probabilities", [[0.5, 0.5], [0.1, 0.9]]),
    ],
)
def test_what_contradicts_the_user_is_an_error(kind: str, raw: Any) -> None:
    with pytest.raises(TargetError, match=f"said to answer with {kind}"):
        decided(raw, 2, kind=kind)


@pytest.mark.parametrize("blank", [None, np.nan, "", " ", "I cannot say"])
def test_a_declined_answer_counts_as_the_class_of_refusals(blank: Any) -> None:
    raw = np.array(["deny", blank, "grant"], dtype=object)
    reader = decided(["deny", "grant"], 2)
    with pytest.raises(TargetError, match=r"model\.refusal: CLASS"):
        reader.read(raw, 3)
    reader = decided(raw, 3, refusal="grant")
    np.testing.assert_array_equal(reader.read(raw, 3).labels, [0, 1, 1])


@pytest.mark.parametrize("missing", [None, np.nan])
def test_declined_scores(missing: Any) -> None:
    table = np.array([[0.3, 0.7], [missing, missing], [0.9, 0.1]], dtype=object)
    with pytest.raises(TargetError, match=r"no answer .* to 1 of 3 inputs"):
        decided(table[:1], 1).read(table, 3)
    answers = decided(table, 3, refusal="grant").read(table, 3)
    np.testing.assert_allclose(answers.scores, [[0.3, 0.7], [0.0, 1.0], [0.9, 0.1]])
    lone = np.array([0.3, missing, 0.9], dtype=object)
    np.testing.assert_array_equal(decided(lone, 3, refusal="deny").read(lone, 3).labels, [0, 0, 1])


def test_a_refusal_must_be_a_class() -> None:
    with pytest.raises(TargetError, match="names refuse, which is none of the classes deny, grant"):
        decided([0, 1], 2, refusal="refuse")


def test_another_form_than_in_the_sample_is_an_error() -> None:
    scores = np.array([[0.2, 0.8], [0.6, 0.4]])
    with pytest.raises(TargetError, match="return the same form always"):
        decided(scores, 2).read([0, 1], 2)
    with pytest.raises(TargetError, match="return the same form always"):
        decided([0, 1], 2).read(scores, 2)


def test_the_likeliest_of_three_classes_is_a_label_only() -> None:
    raw = [{"label": "ask", "score": 0.5}, {"label": "deny", "score": 0.4}]
    reader = decided(raw, 2, ("deny", "ask", "grant"))
    assert reader.offers is View.LABELS
    np.testing.assert_array_equal(reader.read(raw, 2).labels, [1, 0])


@pytest.mark.parametrize("k", [2, 3])
def test_the_largest_scores_of_each_input_are_no_columns_of_classes(k: int) -> None:
    import torch

    truth = Truth.draw(k)
    p = torch.as_tensor(truth.p)
    for raw in (torch.topk(p, k), torch.sort(p, dim=1, descending=True)):
        with pytest.raises(TargetError, match="the largest scores of each input"):
            decided(raw, len(truth.y), truth.names)
    unsorted = (truth.p, np.tile(np.arange(k), (len(truth.y), 1)))  # such as token positions
    assert decided(unsorted, len(truth.y), truth.names).kind == "probabilities"
