"""Request templates, answer paths, and the shapes in which services answer."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from typing import Any

import numpy as np
import pandas as pd
import pytest

from goalkeeper.core.domain import Column, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.errors import TargetError
from goalkeeper.targets._http_answers import DECLINED, as_answers, items_of
from goalkeeper.targets._http_templates import AnswerPath, RequestTemplate, json_inputs

CLASSES = ("ham", "spam", "junk")


# ---- templates -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "filled", "many"),
    [
        ({"texts": "{inputs}"}, {"texts": ["a", 'b"']}, True),
        ("{inputs}", ["a", 'b"'], True),
        (
            {"instances": [{"text": "{input}", "top": 3}]},
            {"instances": [{"text": "a", "top": 3}, {"text": 'b"', "top": 3}]},
            True,
        ),
        ({"text": "{input}"}, {"text": "a"}, False),
        ({"prompt": "Is this spam? {input} Answer:"}, {"prompt": "Is this spam? a Answer:"}, False),
        (
            {"model": "m", "messages": [{"role": "user", "content": "Sort: {input}"}]},
            {
                "model": "m",
                "messages": [
                    {"role": "user", "content": "Sort: a"},
                    {"role": "user", "content": 'Sort: b"'},
                ],
            },
            True,
        ),
        (
            {"messages": [{"role": "system", "content": "Sort."}, {"content": "{input}"}]},
            {"messages": [{"role": "system", "content": "Sort."}, {"content": "a"}]},
            False,
        ),
    ],
)
def test_a_request_is_filled(template: Any, filled: Any, *, many: bool) -> None:
    made = RequestTemplate(template)
    assert made.problem() == ""
    assert made.takes_many == many
    assert json.loads(made.fill(["a", 'b"'])) == filled


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ({"texts": []}, "no place for the inputs"),
        ({"a": "{inputs}", "b": "{input}"}, "mixes {inputs} and {input}"),
        ({"a": "all: {inputs}"}, "must stand alone"),
    ],
)
def test_what_is_no_request_is_named(template: Any, words: str) -> None:
    assert words in RequestTemplate(template).problem()


TABLE = TableDomain(
    columns=(
        Column(name="age", kind="integer", low=0, high=99),
        Column(name="income"),
        Column(name="job", kind="category", categories=("baker", "clerk")),
    )
)


def test_rows_are_lists_or_mappings_with_words_and_null() -> None:
    frame = pd.DataFrame(
        {
            "age": [30, 40],
            "income": [1.5, np.nan],
            "job": pd.Categorical(["clerk", None], categories=["baker", "clerk"]),
        }
    )
    assert json_inputs(frame, TABLE, "{inputs}") == [[30, 1.5, "clerk"], [40, None, None]]
    assert json_inputs(frame, TABLE, "{row}")[0] == {"age": 30, "income": 1.5, "job": "clerk"}
    dates = pd.DataFrame({"a": pd.to_datetime(["2020-01-02"]), "b": [True], "c": [pd.NA]})
    assert json_inputs(dates, TABLE, "{rows}") == [
        {"age": "2020-01-02T00:00:00", "income": True, "job": None}
    ]
    with pytest.raises(TargetError, match="rows of a table, but inputs are texts"):
        json_inputs(np.array(["a"], dtype=object), TextDomain(), "{rows}")
    with pytest.raises(TargetError, match="infinite"):
        RequestTemplate("{inputs}").fill([[np.inf]])


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_nested_lists_or_png(channels: int) -> None:
    domain = ImageDomain(shape=(channels, 2, 3))
    image = np.linspace(0, 1, channels * 6).reshape(channels, 2, 3)
    flat = image.reshape(1, -1)
    assert json_inputs(flat, domain, "{inputs}") == [image.tolist()]
    file = base64.b64decode(json_inputs(flat, domain, "{png}")[0])
    np.testing.assert_array_equal(pixels_of(file), np.rint(image * 255))
    with pytest.raises(TargetError, match="is for images"):
        json_inputs(flat, TABLE, "{pngs}")


def pixels_of(file: bytes) -> Any:
    """Read a PNG file without filters, by its specification; returns (channels, height, width)."""
    assert file[:8] == b"\x89PNG\r\n\x1a\n"
    parts, rest = {}, file[8:]
    while rest:
        size, name = struct.unpack(">I4s", rest[:8])
        content = rest[8 : 8 + size]
        assert struct.unpack(">I", rest[8 + size : 12 + size])[0] == zlib.crc32(name + content)
        parts[name], rest = content, rest[12 + size :]
    width, height, bits, kind = struct.unpack(">IIBB", parts[b"IHDR"][:10])
    assert bits == 8
    lines = np.frombuffer(zlib.decompress(parts[b"IDAT"]), dtype=np.uint8).reshape(height, -1)
    assert not lines[:, 0].any()
    return lines[:, 1:].reshape(height, width, {0: 1, 2: 3}[kind]).transpose(2, 0, 1)


# ---- paths ---------------------------------------------------------------------------------------

REPLY = {
    "predictions": [{"scores": [1, 2], "a.b": 7}, {"scores": [3, 4], "a.b": 8}],
    "choices": [{"message": {"content": "spam"}}],
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("predictions[*].scores", [[1, 2], [3, 4]]),
        ("$.predictions[*].scores[1]", [2, 4]),
        ("predictions[-1].scores[*]", [3, 4]),
        ('predictions[*]["a.b"]', [7, 8]),
        ("choices[0].message.content", "spam"),
        ("", REPLY),
        ("$", REPLY),
    ],
)
def test_a_path_finds_what_stands_there(path: str, found: Any) -> None:
    assert AnswerPath(path).find(REPLY) == found


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("predictions[2]", "a list was expected at predictions of the answer, .* a list of 2"),
        (
            "predictions[0].score",
            r"the key 'score' was .* predictions\[0\] .* the keys scores, a.b",
        ),
        ("choices.message", "the key 'message' was expected at choices of the answer"),
    ],
)
def test_a_path_that_leads_nowhere_shows_what_is_there(path: str, words: str) -> None:
    with pytest.raises(TargetError, match=words):
        AnswerPath(path).find(REPLY)


@pytest.mark.parametrize("path", ["a[", "a[x]", "a..", "a b"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is not a name"):
        AnswerPath(path).steps()


# ---- answers -------------------------------------------------------------------------------------

ROWS = [[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]]


@pytest.mark.parametrize(
    "items",
    [
        ROWS,
        [{"ham": 0.1, "spam": 0.7, "junk": 0.2}, {"junk": 0.2, "ham": 0.5, "spam": 0.3}],
        [
            [{"label": "spam", "score": 0.7}, {"label": "junk", "score": 0.2},
             {"label": "ham", "score": 0.1}],
            [{"label": "ham", "score": 0.5}, {"label": "spam", "score": 0.3},
             {"label": "junk", "score": 0.2}],
        ],
    ],
)  # fmt: skip
def test_scores_of_all_classes_are_scores(items: list[Any]) -> None:
    np.testing.assert_array_equal(as_answers(items, CLASSES, ""), ROWS)


@pytest.mark.parametrize(
    "items",
    [
        ["spam", "ham"],
        [{"label": "spam", "score": 0.7}, {"label": "ham", "score": 0.5}],
        [{"label": "spam"}, {"label": "ham"}],
        [{"spam": 0.7, "junk": 0.2}, {"ham": 0.5}],
        [[{"class": "spam", "probability": 0.7}], [{"class": "ham", "probability": 0.5}]],
    ],
)
def test_scores_of_some_classes_are_labels(items: list[Any]) -> None:
    """No score is made up for a class that the service left out."""
    assert as_answers(items, CLASSES, "").tolist() == ["spam", "ham"]


def test_what_is_declined_counts_as_its_class() -> None:
    assert as_answers(["ham", DECLINED], CLASSES, "junk").tolist() == ["ham", "junk"]
    assert as_answers([ROWS[0], DECLINED], CLASSES, "junk").tolist() == [ROWS[0], [0, 0, 1]]
    scored = [{"ham": 0.1, "spam": 0.7, "junk": 0.2}, DECLINED]
    assert as_answers(scored, CLASSES, "junk").tolist() == [ROWS[0], [0, 0, 1]]


def test_numbers_stay_numbers() -> None:
    assert as_answers([1, 2], CLASSES, "").tolist() == [1, 2]
    assert as_answers([0.2, 0.9], CLASSES, "").dtype == np.float64


def test_answers_are_one_for_each_input() -> None:
    assert items_of([1, 2], 2, single=False) == [1, 2]
    assert items_of([[{"label": "ham"}]], 1, single=True) == [{"label": "ham"}]
    assert items_of("ham", 1, single=True) == ["ham"]
    for found, words in (([1], "1 answers to 2 inputs"), ("ham", "a list of 2 answers")):
        with pytest.raises(TargetError, match=words):
            items_of(found, 2, single=False)
