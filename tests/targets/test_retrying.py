"""A function that asks something unreliable is called again; one that is wrong is not."""

from __future__ import annotations

import urllib.error
from typing import Any

import numpy as np
import pytest

from goalkeeper.core.domain import TextDomain
from goalkeeper.core.errors import TargetError
from goalkeeper.core.power import View
from goalkeeper.targets import PythonTarget
from goalkeeper.targets._retrying import RetriedFunction, may_pass

X = np.array(["a", "b", "c", "d"], dtype=object)


class APITimeoutError(Exception):
    """As clients of services have it, derived from nothing that says so."""


class HTTPStatusError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status_code = status


class Unreliable:
    """Raises `error` in the calls of these numbers."""

    def __init__(self, error: Exception, *failing: int) -> None:
        self.error, self.failing, self.calls = error, failing, 0

    def __call__(self, x: Any) -> list[str]:
        self.calls += 1
        if self.calls - 1 in self.failing:
            raise self.error
        return ["ham"] * len(x)


def http_error(status: int) -> Exception:
    return urllib.error.HTTPError("http://x", status, "no", None, None)  # type: ignore[arg-type]


PASSING = [
    ConnectionError("503"), ConnectionResetError(), TimeoutError(), OSError("network"),
    urllib.error.URLError("no route"), APITimeoutError(), HTTPStatusError(429),
    HTTPStatusError(503), http_error(502), RuntimeError("HTTP 503"), ValueError("status: 429"),
    RuntimeError("the model is overloaded, try again"),
]  # fmt: skip
LASTING = [
    FileNotFoundError("model.bin"), PermissionError("model.bin"), HTTPStatusError(404),
    http_error(401), TargetError("no"),
]  # fmt: skip
UNKNOWN = [ValueError("500 features expected"), KeyError("choices"), ZeroDivisionError()]


@pytest.mark.parametrize("error", PASSING, ids=repr)
def test_an_error_that_may_pass_is_tried_again(error: Exception) -> None:
    assert may_pass(error)
    pauses: list[float] = []
    function = Unreliable(error, 1, 2)
    target = PythonTarget(
        RetriedFunction(function, 2, pause=pauses.append), ("ham", "spam"), TextDomain(), sample=X
    )
    assert target.answer(X, View.LABELS).labels.tolist() == [0, 0, 0, 0]
    assert function.calls == 4
    assert len(pauses) == 2
    assert 0.25 <= pauses[0] <= 0.5 <= pauses[1] <= 1.0


@pytest.mark.parametrize("error", LASTING, ids=repr)
def test_an_error_that_lasts_ends_at_once(error: Exception) -> None:
    assert not may_pass(error)
    function = Unreliable(error, 0)
    with pytest.raises(type(error)):
        RetriedFunction(function, 9)(X)
    assert function.calls == 1


@pytest.mark.parametrize("error", UNKNOWN, ids=repr)
def test_an_error_of_which_nothing_is_known_is_tried_once_more_at_once(error: Exception) -> None:
    pauses: list[float] = []
    once = Unreliable(error, 1, 3)
    called = RetriedFunction(once, 2, pause=pauses.append)
    assert [called(X), called(X), called(X)] == [["ham"] * 4] * 3
    always = Unreliable(error, *range(9))
    with pytest.raises(type(error)):
        RetriedFunction(always, 5, pause=pauses.append)(X)
    assert (always.calls, pauses) == (2, [])
    with pytest.raises(type(error)):
        RetriedFunction(Unreliable(error, 0), 0)(X)


def test_a_second_try_gets_the_inputs_that_the_first_one_wrote_to() -> None:
    def answer(x: Any) -> list[str]:
        seen.append(x.tolist())
        x[:] = "-"
        if len(seen) == 1:
            raise ValueError("now and then")
        return ["ham"] * len(x)

    seen: list[list[str]] = []
    RetriedFunction(answer, 2)(X)
    assert seen == [X.tolist()] * 2


@pytest.mark.parametrize(
    "reply",
    [
        {"error": "overloaded"}, {"error": {"message": "overloaded", "code": 529}},
        {"detail": [{"msg": "overloaded"}]}, {"status": 503, "message": "overloaded"},
        {"predictions": None, "error": "overloaded"},
        [{"label": "ham", "score": 0.9}] * 3 + [{"error": "overloaded"}],
    ],
)  # fmt: skip
def test_an_error_in_place_of_answers_is_tried_again_and_then_named(reply: Any) -> None:
    replies = [["ham"] * 4, reply, ["ham"] * 4, reply, reply]
    function = RetriedFunction(lambda _: replies.pop(0), 2)
    target = PythonTarget(function, ("ham", "spam"), TextDomain(), sample=X)
    assert target.answer(X, View.LABELS).labels.tolist() == [0, 0, 0, 0]
    with pytest.raises(TargetError, match="returned an error in place of answers: overloaded"):
        target.answer(X, View.LABELS)


def test_a_class_called_error_is_no_error() -> None:
    scores = {"error": np.array([0.9, 0.2, 0.1, 0.3]), "fine": np.array([0.1, 0.8, 0.9, 0.7])}
    target = PythonTarget(lambda _: scores, ("error", "fine"), TextDomain(), sample=X)
    assert target.answer(X, View.LABELS).labels.tolist() == [0, 1, 1, 1]


def test_what_keeps_failing_is_named_with_its_cause() -> None:
    function = Unreliable(ConnectionError("503 service\nunavailable"), *range(9))
    called = RetriedFunction(function, 2, pause=lambda _: None)
    with pytest.raises(
        TargetError,
        match=r"Unreliable raised ConnectionError: 503 service unavailable \(called 3 times",
    ) as raised:
        called(X)
    assert "domain" not in str(raised.value)
    assert function.calls == 3
    with pytest.raises(TargetError, match="called 1 times"):
        RetriedFunction(Unreliable(TimeoutError(), 0), 0)(X)
