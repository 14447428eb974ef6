"""Reports name the command that tries what they recommend, where something can be tried."""

from __future__ import annotations

import pytest

from goalkeeper.report import Context, renderers
from tests.report import sample

COMMAND = "goalkeeper harden my.yaml"
ABOUT = Context(commands={"run": "goalkeeper run my.yaml", "harden": COMMAND})


def render(name: str, tries: tuple[str, ...], context: Context = ABOUT) -> str:
    made = sample.assessment()
    advice = tuple(a.model_copy(update={"tries": tries}) for a in made.advice)
    text = renderers()[name]().render(made.model_copy(update={"advice": advice}), context)
    return " ".join(text.split())


@pytest.mark.parametrize("name", ["html", "summary", "markdown", "text"])
def test_the_command_is_shown_where_goalkeeper_can_apply_a_defence(name: str) -> None:
    assert COMMAND in render(name, ("padded_texts",))
    assert COMMAND not in render(name, ())


def test_each_piece_of_advice_says_how_to_try_it_alone() -> None:
    assert f"{COMMAND} --defence padded_texts --defence bagging" in render(
        "html", ("padded_texts", "bagging")
    )


def test_an_application_made_in_python_has_no_file_to_harden() -> None:
    assert "goalkeeper harden" not in render("text", ("padded_texts",), Context())
