"""What only a browser can tell: accessibility, printed pages, narrow screens, keys, first paint.

Needs Chromium and the extra `browser`; skipped, with the reason, where one of them is missing.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from goalkeeper.core.assessment import Assessment
from goalkeeper.core.goals import Goal
from goalkeeper.report import Context, renderers
from tests.report import sample
from tests.report.test_leading import LONG, WIDE, large

pytestmark = [pytest.mark.validation, pytest.mark.filterwarnings("default")]

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), "")
NARROW = 320  # CSS pixels, WCAG 2.2, 1.4.10
SEVERE = ("serious", "critical")
SHEETS = 2
SCREEN = {"width": 1280, "height": 800}
MOST_MILLISECONDS = 1_000
OPEN_ALL = "document.querySelectorAll('details').forEach(d => d.open = true)"
PAGES: dict[str, Callable[[], Assessment]] = {
    "every verdict": sample.assessment,
    "many attackers": lambda: sample.many_attackers(runs=12),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="needs the extra `browser`")
    if not CHROMIUM:
        pytest.skip("needs Chromium on the path")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def shown(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """Return a function that opens a report in a page of the browser."""
    opened = []

    def show(assessment: Assessment, form: str = "html", **options: Any) -> Any:
        path = tmp_path / f"{form}.html"
        path.write_text(renderers()[form]().render(assessment, Context()), "utf-8")
        page = browser.new_page(**options)
        opened.append(page)
        page.goto(path.as_uri(), timeout=120_000)
        return page

    yield show
    for page in opened:
        page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("form", ["html", "summary"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(shown: Any, name: str, form: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = shown(PAGES[name](), form, color_scheme=scheme, bypass_csp=True)
    for _ in ("folded", "open"):
        found = axe.run(page).response["violations"]
        told = [(v["id"], v["impact"], v["nodes"][0]["html"]) for v in found]
        assert not [v for v in told if v[1] in SEVERE], told
        page.evaluate(OPEN_ALL)


@pytest.mark.parametrize("text", ["", LONG, WIDE, "M" * 50 + " " + WIDE])
def test_the_summary_prints_on_two_sheets_whatever_the_application(shown: Any, text: str) -> None:
    page = shown(large(text) if text else sample.assessment(), "summary")
    pdf = page.pdf(prefer_css_page_size=True)
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= SHEETS


@pytest.mark.parametrize("form", ["html", "summary"])
@pytest.mark.parametrize("name", PAGES)
def test_a_narrow_screen_scrolls_in_one_direction_only(shown: Any, name: str, form: str) -> None:
    page = shown(PAGES[name](), form, viewport={"width": NARROW, "height": 700})
    page.evaluate(OPEN_ALL)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= NARROW


def test_keys_alone_reach_and_open_every_fold_and_the_focus_is_seen(shown: Any) -> None:
    page = shown(sample.assessment(), reduced_motion="reduce")
    folds = page.evaluate("document.querySelectorAll('details').length")
    assert folds > 20
    for _ in range(20 * folds):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        if page.evaluate("document.activeElement.matches('details:not([open]) > summary')"):
            page.keyboard.press("Enter")
    assert page.evaluate("document.querySelectorAll('details:not([open])').length") == 0


def test_every_goal_stands_on_the_first_screen(shown: Any) -> None:
    page = shown(sample.assessment(), viewport=SCREEN)
    cards = "[...document.querySelectorAll('.verdict')].map(e => e.getBoundingClientRect().bottom)"
    ends = page.evaluate(cards)
    assert len(ends) == len(Goal)
    assert max(ends) <= SCREEN["height"]


def test_a_link_opens_the_fold_that_it_leads_into(shown: Any) -> None:
    page = shown(sample.assessment(), reduced_motion="reduce")
    page.click(".verdict a[href='#finding-1']")
    assert page.evaluate("document.getElementById('finding-1').closest('details').open")


def test_paper_has_what_belongs_on_it_and_no_more(shown: Any) -> None:
    page = shown(sample.many_attackers(runs=12))
    page.emulate_media(media="print")
    seen = "e => e.checkVisibility({contentVisibilityAuto: true})"
    for selector, printed in (
        ("table.runs", True),
        ("#signature", True),
        ("#method p", True),
        ("nav.contents", False),
        (".grants", False),
        ("#sources table", False),
    ):
        assert page.eval_on_selector(selector, seen) is printed, selector


def test_two_thousand_findings_and_a_hundred_thousand_rows_paint_at_once(shown: Any) -> None:
    from benchmarks.reports import PAINT, build_assessment

    page = shown(build_assessment(2_000, 100_000))
    assert page.evaluate("document.querySelectorAll('tr').length") > 100_000
    assert page.evaluate(PAINT) < MOST_MILLISECONDS
