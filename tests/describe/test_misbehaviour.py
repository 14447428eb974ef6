"""User code that raises or returns something odd, or changes its process: named, or without effect.

What ends or blocks the process is tried by `tests/cli/test_misbehaviour.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.noticeboard import BOARD, Activity, Flag, Noticeboard, Visit
from goalkeeper.core.power import View
from goalkeeper.core.usercode import LONGEST, name_error, trace, user_code
from goalkeeper.describe import load
from tests.describe.writing import TABLE, write_table_app

HEAD = """\
import sys, os, threading
import numpy as np
from sklearn.linear_model import LogisticRegression

class Odd(BaseException):
    pass

class Mute(Exception):
    def __str__(self):
        raise ValueError("no text")

class Locked(LogisticRegression):
    def fit(self, x, y):
        super().fit(x, y)
        self.lock, self.rows = threading.Lock(), (i for i in [1])
        return self
"""
LINE = f"filter.py line {len(HEAD.splitlines()) + 3}"
PLAIN = TABLE.replace("  label: label", "  label: label\n  drop: [job]")
BUILDS = {
    "return LogisticRegression": ("returned the class LogisticRegression", "LogisticRegression()"),
    "return 'model'": ("returned str", "untrained scikit-learn classifier"),
    "LogisticRegression()": ("returned None", "`return model`"),
    "return lambda x: x": ("returned function", "untrained"),
    "yield LogisticRegression()": ("returned a generator", "`return` in place of `yield`"),
    "raise RuntimeError('no licence')": ("raised RuntimeError: no licence", LINE),
    "raise SystemExit": ("raised SystemExit: no message", LINE),
    "sys.exit(0)": ("raised SystemExit: 0", LINE),
    "return build()": ("raised RecursionError", LINE),
    "raise MemoryError": ("raised MemoryError", LINE),
    "raise Odd('x')": ("raised Odd: x", LINE),
    "raise Mute": ("raised Mute: (its message raised ValueError)", LINE),
    "raise ValueError('x' * 10_000_000)": ("raised ValueError: xxx", LINE),
    "import not_there": ("raised ModuleNotFoundError: No module named", LINE),
    "return np.ones(10**13)": ("raised", "Unable to allocate"),
}


def described(folder: Path, code: str) -> Path:
    path = write_table_app(folder, PLAIN)
    (folder / "filter.py").write_text(HEAD + code)
    return path


@pytest.mark.parametrize("body", BUILDS)
def test_build_that_does_not_build_is_named(body: str, tmp_path: Path) -> None:
    with pytest.raises(DescriptionError) as raised:
        load(described(tmp_path, f"\ndef build():\n    {body}\n"))
    text = str(raised.value)
    assert raised.value.key == "model.build"
    assert all(word in text for word in BUILDS[body]), text
    assert len(text) < 4 * LONGEST


def test_a_real_interruption_passes_through(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        load(described(tmp_path, "\ndef build():\n    raise KeyboardInterrupt\n"))


def test_an_async_build_is_named(tmp_path: Path) -> None:
    code = "\nasync def build():\n    return LogisticRegression()\n"
    with pytest.raises(
        DescriptionError, match=r"returned a coroutine(.|\n)*in place of `async def`"
    ):
        load(described(tmp_path, code))


def test_a_model_that_cannot_be_copied_is_usable(tmp_path: Path) -> None:
    app = load(described(tmp_path, "\ndef build():\n    return Locked()\n"))
    assert app.target.offers >= View.SCORES


CHANGES = """
os.chdir("/")
sys.path.clear()
sys.setrecursionlimit(100_000)
np.seterr(all="raise")
np.random.seed(0)

def build():
    assert os.getcwd() == "/" and np.geterr()["over"] == "raise"
    return LogisticRegression()
"""


def test_changes_of_the_process_hold_for_the_user_code_alone(tmp_path: Path) -> None:
    before, path = (Path.cwd(), sys.getrecursionlimit(), np.geterr()), set(sys.path)
    load(described(tmp_path, CHANGES))
    assert (Path.cwd(), sys.getrecursionlimit(), np.geterr()) == before
    assert path <= set(sys.path)
    other = "\nassert os.getcwd() != '/'\ndef build():\n    return LogisticRegression()\n"
    load(described(tmp_path, other))  # of the first application, nothing is left


def test_a_module_named_like_one_of_python_does_not_take_its_place(tmp_path: Path) -> None:
    (tmp_path / "fractions.py").write_text("mine = 1\n")
    code = "\nfrom fractions import mine\ndef build():\n    return LogisticRegression()\n"
    with pytest.raises(DescriptionError, match=r"rename fractions\.py: Python"):
        load(described(tmp_path, code))


def test_answers_in_a_buffer_of_the_model_are_copied(tmp_path: Path) -> None:
    code = (
        "buffer = np.zeros((1000, 2))\n"
        "class M(LogisticRegression):\n    def predict_proba(self, x):\n"
        "        buffer[: len(x)] = super().predict_proba(x)\n        return buffer[: len(x)]\n"
        "def build():\n    return M()\n"
    )
    app = load(described(tmp_path, code))
    first = app.target.answer(app.data.holdout.x[:5], View.SCORES).scores
    kept = first.copy()
    app.target.answer(app.data.holdout.x[5:10], View.SCORES)
    assert (first == kept).all()


def test_the_board_shows_the_innermost_entry() -> None:
    memory = bytearray(1024)
    board, reader = Noticeboard(memoryview(memory)), Noticeboard(memoryview(memory))
    assert reader.read() == (0, None)
    outer = board.enter(Visit(Activity.BUILD, "model.build f.py:build"))
    inner = board.enter(Visit(Activity.ANSWER, "the function é", 50))
    assert reader.read() == (2, Visit(Activity.ANSWER, "the function é", 50))
    board.raise_flag(Flag.RESULTS)
    board.limit(3.5, 1e9)
    board.leave(inner)
    assert reader.read() == (3, Visit(Activity.BUILD, "model.build f.py:build"))
    board.leave(outer)
    board.end(5)
    assert reader.read() == (4, None)
    assert reader.has(Flag.RESULTS)
    assert reader.has(Flag.DONE)
    assert not reader.has(Flag.FORKED)
    assert (reader.exit_code, reader.limits) == (5, (3.5, 1e9))


def test_an_entry_is_left_when_the_code_raises() -> None:
    def divide() -> None:
        with user_code(Activity.ANSWER, "f", 3):
            assert BOARD.read()[1] == Visit(Activity.ANSWER, "f", 3)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        divide()
    assert BOARD.read()[1] is None


def test_errors_are_written_in_bounded_space() -> None:
    def deep(n: int) -> None:
        if n:
            deep(n - 1)
        raise ValueError("y\n" * 100_000 + "x" * 10_000_000)

    with pytest.raises(ValueError, match="y") as raised:
        deep(300)
    assert name_error(raised.value) == "ValueError: y"
    assert len(trace(raised.value)) < 200_000
