"""What every format of the report owes, ours and a plug-in's, and how a plug-in is found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import ClassVar

import pytest
from typer.testing import CliRunner

from goalkeeper.cli.main import build
from goalkeeper.core import plugins
from goalkeeper.core.assessment import Assessment
from goalkeeper.report import Context, Renderer, renderers
from goalkeeper.report.renderers import _problem
from tests.cli.inline import inline
from tests.report import sample
from tests.report.page import Page
from tests.report.results import PRIVATE

HERE = "tests.report.test_renderers"
COMPLETE = {"json"}  # the evidence itself, which the page on privacy says to keep like the data


class LinesRenderer(Renderer):
    """A format of somebody else: one line a goal."""

    suffix: ClassVar[str] = ".lines"
    media_type: ClassVar[str] = "text/x-lines"

    def render(self, assessment: Assessment, context: Context) -> str:
        del context
        rows = [f"{goal},{rating.verdict}\n" for goal, rating in assessment.goals.items()]
        return "goal,verdict\n" + "".join(rows)


class Forgetful(Renderer):
    """Defines everything but its media type."""

    suffix: ClassVar[str] = ".x"

    def render(self, assessment: Assessment, context: Context) -> str:
        del context
        return assessment.verdict


def check_renderer(renderer: type[Renderer]) -> None:
    """Require of a format: a suffix, a media type, the whole verdict, and the same text again."""
    assert re.fullmatch(r"\.[a-z0-9]+", renderer.suffix)
    assert re.fullmatch(r"(application|text)/[\w.+-]+", renderer.media_type)
    assessment, context = sample.assessment(), sample.context()
    text = renderer().render(assessment, context)
    assert text == renderer().render(sample.assessment(), sample.context())
    assert text.endswith("\n")
    for goal in assessment.goals:
        assert goal in text.lower()
    bare = assessment.model_copy(update={"goals": {}, "evidence": (), "advice": ()})
    assert renderer().render(bare, Context()) != text


@pytest.mark.parametrize("name", renderers())
def test_every_format_keeps_the_contract(name: str) -> None:
    check_renderer(renderers()[name])


def test_a_format_of_somebody_else_keeps_it() -> None:
    check_renderer(LinesRenderer)


@pytest.mark.parametrize("name", sorted(set(renderers()) - COMPLETE))
def test_private_examples_are_withheld_unless_asked_for(name: str) -> None:
    def rendered(*, show_private: bool) -> str:
        context = sample.context(show_private=show_private)
        return renderers()[name]().render(sample.assessment(), context)

    assert PRIVATE not in rendered(show_private=False)
    assert PRIVATE in renderers()["json"]().render(sample.assessment(), Context())
    if name == "html":  # a terminal never shows exhibits
        assert PRIVATE in Page(rendered(show_private=True)).root.text


# ---- the command line ----------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sample.assessment().save(tmp_path / "assessment.json")
    return tmp_path


@pytest.fixture
def with_lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let an installed package offer a format."""
    offered = [("lines", f"{HERE}:LinesRenderer"), ("odd", f"{HERE}:Forgetful")]
    points = EntryPoints(EntryPoint(n, v, plugins.RENDERERS) for n, v in offered)
    monkeypatch.setattr(plugins, "entry_points", lambda group: points.select(group=group))
    renderers.cache_clear()
    with pytest.warns(UserWarning, match="plug-in odd .* it does not declare media_type"):
        renderers()
    yield
    renderers.cache_clear()


@pytest.mark.usefixtures("with_lines")
def test_the_format_of_a_plugin_is_written(folder: Path) -> None:
    done = inline("report", folder, "--format", "lines")
    assert done.code == 0, done.err
    assert done.out == LinesRenderer().render(sample.assessment(), Context())


def test_a_format_that_there_is_not_names_all(folder: Path) -> None:
    done = inline("report", folder, "--format", "odt")
    assert done.code == 4
    assert f"expected: one of {', '.join(renderers())}, schema" in done.err


def test_the_help_names_our_formats() -> None:
    told = CliRunner().invoke(build(), ["report", "--help"], terminal_width=200).output
    for name in (*renderers(), "schema"):
        assert re.search(rf"\b{name}\b", told[told.index("--format") :])


def test_what_is_no_renderer_says_why() -> None:
    assert not any(_problem(renderer) for renderer in renderers().values())
    assert "not a subclass" in _problem(str)
    assert "does not define render" in _problem(Renderer)
