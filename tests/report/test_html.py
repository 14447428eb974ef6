from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from itertools import pairwise

import pytest

from goalkeeper.core.assessment import Assessment
from goalkeeper.core.evidence import Status
from goalkeeper.core.goals import Goal
from goalkeeper.report import Context, render_html
from goalkeeper.report.words import GLOSSARY, VERDICT_LABELS
from tests.report import results, sample
from tests.report.page import Page

KNOWN_TAGS = (
    "html head meta title style body a div header p h1 h2 h3 h4 span ul li nav main section "
    "article dl dt dd figure details summary table caption thead tbody tr th td pre strong br "
    "code footer svg desc g path text defs use clippath rect img figcaption"
)
KNOWN_ATTRIBUTES = (
    "lang charset http-equiv content name class id href aria-labelledby aria-label aria-hidden "
    "role tabindex scope dir width viewbox src alt"
)


@pytest.fixture(scope="module")
def html() -> str:
    return render_html(sample.assessment(), sample.context())


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


# ---- nothing that somebody else wrote is executed ------------------------------------------------


def test_hostile_text_stays_text(html: str, page: Page) -> None:
    assert {e.tag for e in page.elements} <= set(KNOWN_TAGS.split())
    assert results.SCRIPT in page.root.text
    assert "onerror=alert(1)" in page.root.text
    assert "{{ 7 * 7 }}" in page.root.text
    outside = [e for e in page.elements if not _in_drawing(e)]
    assert {name for e in outside for name in e.attrs} <= set(KNOWN_ATTRIBUTES.split())
    assert not any(name.startswith("on") for e in page.elements for name in e.attrs)
    assert not any("style" in e.attrs for e in page.elements)
    assert not re.search(r"[\u202a-\u202e\u2066-\u2069\u200b-\u200f\x00-\x08\x0b-\x1f\x7f]", html)
    assert "<U+202E>" in page.root.text


def _in_drawing(element: object) -> bool:
    at = element
    while at is not None:
        if getattr(at, "tag", "") == "svg":
            return True
        at = getattr(at, "parent", None)
    return False


@pytest.mark.parametrize("text", [results.SCRIPT, results.BREAKOUT, "</style><script>1</script>"])
def test_hostile_text_anywhere_adds_no_element(text: str) -> None:
    """Every string of the assessment that takes free text is replaced, one page for all."""
    plain = _everywhere(sample.assessment(), re.sub(r"[^ ]", "x", text))
    hostile = _everywhere(sample.assessment(), text)
    tags = [[e.tag for e in Page(render_html(a)).elements] for a in (plain, hostile)]
    assert tags[0] == tags[1]


def _everywhere(assessment: Assessment, text: str) -> Assessment:
    free = {
        "name", "description", "summary", "reason", "detail", "title", "note", "group", "unit",
        "budget", "slice", "scenario", "label", "view", "window", "before", "after", "traceback",
        "attack", "task", "attacker", "variant", "defence", "version", "framework", "expertise",
        "started", "finished", "domain", "fingerprint", "sha256", "metric", "box", "harmless",
    }  # fmt: skip

    def change(value: object, key: str = "") -> object:
        if isinstance(value, dict):
            return {k: change(v, k) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [change(v, key) for v in value]
        return text if key in free and type(value) is str else value

    return Assessment.model_validate(change(assessment.model_dump(by_alias=True)))


# ---- self-contained ------------------------------------------------------------------------------


def test_the_policy_allows_one_style_sheet_and_nothing_else(page: Page) -> None:
    metas = page.find("meta")
    policy = next(
        m.attrs["content"] for m in metas if m.attrs.get("http-equiv") == "Content-Security-Policy"
    )
    styles = page.find("style")
    assert len(styles) == 1
    digest = base64.b64encode(hashlib.sha256(styles[0].text.encode()).digest()).decode()
    assert policy.split("; ")[:2] == ["default-src 'none'", f"style-src 'sha256-{digest}'"]
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert "*" not in policy


def test_nothing_is_fetched_and_nothing_runs(html: str, page: Page) -> None:
    assert not page.find("script", "link", "iframe", "object", "embed", "form", "base")
    targets = [e.attrs[n] for e in page.elements for n in ("href", "src", "action") if n in e.attrs]
    assert targets
    assert all(t.startswith(("#", "data:image/png;base64,")) for t in targets)
    assert not re.search(r"(url\((?!#)|@import|@font-face)", html)


def test_every_link_leads_somewhere_and_no_name_is_given_twice(page: Page) -> None:
    names = [e.attrs["id"] for e in page.elements if "id" in e.attrs]
    assert len(names) == len(set(names))
    linked = {e.attrs["href"][1:] for e in page.elements if "href" in e.attrs}
    linked |= {n for e in page.elements for n in e.attrs.get("aria-labelledby", "").split()}
    linked |= set(re.findall(r"url\(#([^)]+)\)", str([e.attrs for e in page.elements])))
    assert linked <= set(names)


# ---- complete ------------------------------------------------------------------------------------


def test_every_piece_of_evidence_appears(page: Page) -> None:
    for evidence in sample.assessment().evidence:
        assert f"{evidence.attack} on {evidence.task}" in page.root.text
        if evidence.status in (Status.TESTED, Status.CONTROL_FAILED):
            assert evidence.id in page.root.text
            assert evidence.result.summary in page.root.text


def test_evidence_of_a_goal_that_was_not_rated_appears_too() -> None:
    only = {Goal.INTEGRITY: sample.goals()[Goal.INTEGRITY]}
    text = Page(render_html(sample.assessment().model_copy(update={"goals": only}))).root.text
    for evidence in sample.assessment().evidence:
        assert f"{evidence.attack} on {evidence.task}" in text


@pytest.mark.parametrize(
    "words",
    [
        "62 %",
        "57 to 67 %",
        "Baseline 2 %, n = 400",
        "no upper bound",
        "What would settle it",
        "20 more retrainings would settle it",
        "withstood the tested portfolio",
        "248 of 400 succeeded; 8 of 400 without the attack",
        "33 of 64 tries",
        "412 of 500 correct; 410 of 500 without access to the model",
        "at a target of 0.1 % false alarms: 9 of 2,000 found, 1 of 2,000 false alarms",
        "+31/-5",
        "Control failed:",
        "run mail.yaml --only integrity --attack good-words --attacker outsider --seed 7",
        "MITRE ATLAS AML.T0015 Evade AI Model",
        "D. Lowd, C. Meek.",
        "full knowledge of the model (has none)",
        "the owner excludes attacks that write files",
        "no attack of this variant is installed",
        "messages of named persons are in the training data",
        "one model serves many mailboxes",
        "d1" * 32,
        "ab12" * 16,
        "unlimited queries",
        "T2: add or delete training points without influencing labels",
        "This run is not complete",
        "the German original has them the other way round",
        "; verified",
    ],
)
def test_what_a_reader_must_find_is_there(page: Page, words: str) -> None:
    assert words in page.root.text


def test_both_published_tables_stand_beside_the_definition(page: Page) -> None:
    tables = [t for t in page.find("table") if t.find("caption")[0].text.startswith("Which goal")]
    rows = [[c.text for c in row.find("th", "td")] for row in tables[0].find("tr")]
    assert rows[0][1:] == ["As published, English", "As published, German", "By definition"]
    assert ["extraction", "availability", "confidentiality", "confidentiality"] in rows


def test_every_verdict_has_word_and_shape(page: Page) -> None:
    badges = [e for e in page.find("span") if "badge" in e.attrs.get("class", "").split()]
    seen = {b.text for b in badges}
    assert seen == {f"{m.symbol}{m.word.capitalize()}" for m in VERDICT_LABELS.values()}


def test_nothing_is_called_secure(page: Page) -> None:
    assert not re.search(r"\b(is|are|was) (secure|safe)\b", page.root.text, re.IGNORECASE)


def test_the_glossary_is_sorted_and_complete(page: Page) -> None:
    terms = [term for term, _ in GLOSSARY]
    assert terms == sorted(set(terms))
    assert set(terms) <= {e.text for e in page.find("dt")}


# ---- private -------------------------------------------------------------------------------------


def test_private_exhibits_are_withheld(html: str, page: Page) -> None:
    assert results.PRIVATE not in html
    assert "contains training data" in page.root.text


def test_private_exhibits_are_shown_on_request() -> None:
    html = render_html(sample.assessment(), sample.context(show_private=True))
    assert html.count(results.PRIVATE) == 4


# ---- readable by everybody -----------------------------------------------------------------------


def test_headings_are_in_order(page: Page) -> None:
    levels = [int(h.tag[1]) for h in page.find("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_landmarks_language_and_skip_link(page: Page) -> None:
    assert page.find("html")[0].attrs["lang"] == "en"
    assert [len(page.find(tag)) for tag in ("main", "nav", "footer")] == [1, 1, 1]
    first = page.find("a")[0]
    assert first.attrs == {"class": "skip", "href": "#verdicts"}
    assert page.find("title")[0].text.startswith("Mail filter")


def test_every_drawing_has_title_description_and_a_table(page: Page) -> None:
    drawings = page.find("svg")
    assert len(drawings) == 3
    for svg in drawings:
        title, desc = svg.children[0], svg.children[1]
        assert (title.tag, desc.tag, svg.attrs["role"]) == ("title", "desc", "img")
        assert title.text
        assert desc.text
        assert svg.attrs["aria-labelledby"] == f"{title.attrs['id']} {desc.attrs['id']}"
        assert svg.find("text")
    captions = {t.find("caption")[0].text for t in page.find("table")}
    assert {svg.children[0].text for svg in drawings[1:]} <= captions
    assert "Exposure of every goal, in numbers" in captions


def test_drawings_take_their_colours_from_the_page(html: str) -> None:
    drawings = "".join(re.findall(r"<svg.*?</svg>", html, re.DOTALL))
    assert not re.search(r'"#[0-9a-f]{6}"', drawings)
    used = set(re.findall(r"(?:fill|stroke)-(?:ink|soft|line|accent|met|bad|open|none)", drawings))
    assert used
    assert all(f".{name} {{" in html for name in used)


def test_every_table_has_caption_and_scopes(page: Page) -> None:
    tables = page.find("table")
    assert len(tables) > 10
    for table in tables:
        assert table.children[0].tag == "caption"
        assert table.children[0].text
        assert all(cell.attrs["scope"] in ("row", "col") for cell in table.find("th"))
        widths = {len(row.find("th", "td")) for row in table.find("tr")}
        assert len(widths) == 1


def test_focus_print_and_both_themes_are_provided_for(page: Page) -> None:
    style = page.find("style")[0].text
    for rule in (":focus-visible", "prefers-color-scheme: dark", "@media print"):
        assert rule in style


# ---- small and reproducible ----------------------------------------------------------------------


def test_same_assessment_same_bytes(html: str) -> None:
    assert render_html(sample.assessment(), sample.context()) == html


def test_a_real_run_stays_small() -> None:
    """Thirty attack runs by five attackers each: repetitions of an attack are rows, not cards."""
    made = sample.many_attackers(runs=30)
    html = render_html(made, sample.context())
    assert len(html.encode()) < 200_000
    page = Page(html)
    cards = [a for a in page.find("article") if "finding" in a.attrs.get("class", "").split()]
    failed = [e for e in made.evidence if e.status is Status.FAILED_TO_RUN]
    found = [e for e in page.find("tr", "li") if e.attrs.get("id", "").startswith("finding-")]
    assert len(cards) + len(found) == 30
    assert len(found) >= 25
    assert page.root.text.count("Failed to run") == len(failed)


def test_an_assessment_of_nothing_is_still_a_page() -> None:
    bare = sample.assessment().model_copy(
        update={"goals": {}, "evidence": (), "plan": (), "attackers": (), "advice": ()}
    )
    assert "There are no recommendations" in Page(render_html(bare, Context())).root.text


def test_importing_the_report_does_not_import_matplotlib() -> None:
    assert _succeeds("import sys, goalkeeper.report; assert 'matplotlib' not in sys.modules")


def test_drawing_leaves_matplotlib_as_it_was() -> None:
    assert _succeeds(
        "import sys, matplotlib",
        "from goalkeeper.report import render_html",
        "from tests.report import sample",
        "before = matplotlib.rcParams.copy()",
        "render_html(sample.assessment(), sample.context())",
        "assert matplotlib.rcParams.copy() == before",
        "assert 'matplotlib.pyplot' not in sys.modules",
    )


def _succeeds(*lines: str) -> bool:
    """Run lines in an interpreter of their own, with the same import path."""
    code = [f"import sys; sys.path[:] = {sys.path!r}", *lines]
    done = subprocess.run([sys.executable, "-W", "error", "-c", "\n".join(code)], check=False)
    return done.returncode == 0
