"""The public surface of goalkeeper.testing, and what an error says."""

from __future__ import annotations

import subprocess
import sys

import pytest

import goalkeeper.testing as suite
from goalkeeper.testing import Breach, Check, ContractError


def test_every_public_name_is_there_and_said_once() -> None:
    assert suite.__all__ == sorted(set(suite.__all__))
    assert suite.__all__ == dir(suite)
    assert all(getattr(suite, name) is not None for name in suite.__all__)
    with pytest.raises(AttributeError, match="no 'nothing'"):
        suite.nothing  # noqa: B018


def test_jobs_of_workers_import_nothing_heavy() -> None:
    code = "import goalkeeper.testing.jobs, sys; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_pytest_is_not_needed() -> None:
    code = "from goalkeeper.testing import *; import sys; print('pytest' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_an_error_names_the_promise_what_was_seen_and_what_to_do() -> None:
    check = Check("thing-holds", "a thing holds", lambda: [Breach("it fell", "glue it")])
    with pytest.raises(ContractError) as caught:
        check()
    assert isinstance(caught.value, AssertionError)
    assert str(caught.value).splitlines() == [
        "thing-holds: the promise is broken that a thing holds",
        "  seen: it fell",
        "  do:   glue it",
    ]


def test_what_is_raised_is_a_breach_with_its_cause() -> None:
    def test() -> list[Breach]:
        raise KeyError("x")

    with pytest.raises(ContractError, match="seen: KeyError: 'x'") as caught:
        Check("thing-holds", "a thing holds", test)()
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_check_without_a_breach_passes() -> None:
    Check("thing-holds", "a thing holds", list)()


def test_a_part_that_quits_breaks_its_promise_and_does_not_end_the_tests() -> None:
    def test() -> list[Breach]:
        sys.exit("enough")

    with pytest.raises(ContractError, match="SystemExit: enough"):
        Check("thing-holds", "a thing holds", test)()
