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
    HTTPStatusError(503), http_error(502),
]  # fmt: skip
LASTING = [
    ValueError("shape"), KeyError("x"), ZeroDivisionError(), FileNotFoundError("model.bin"),
    PermissionError("model.bin"), HTTPStatusError(404), http_error(401), TargetError("no"),
]  # fmt: skip


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
