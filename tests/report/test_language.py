"""A report in German: no message is missing, and no English is left on its first pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from string import Formatter
from threading import Barrier, Thread

import pytest

from goalkeeper.core.assessment import Assessment
from goalkeeper.core.wording import placeholders_of
from goalkeeper.policy import default_policy
from goalkeeper.report import format as fmt
from goalkeeper.report import renderers
from goalkeeper.report.language import (
    ENGLISH,
    LANGUAGES,
    LOCALE,
    Language,
    find_language,
    ngettext,
    speaking,
)
from goalkeeper.report.stored import REASONS, THREATS, retell_reason, retell_threat
from goalkeeper.report.words import goal_name
from tests.report import sample
from tests.report.messages import SRC, compile_catalogue, messages, read_catalogue
from tests.report.page import Page
from tests.report.pseudo import Masked, data_of, readable, spoken
from tests.report.results import HOSTILE, A

OTHERS = LANGUAGES[1:]
UPDATE = "run: python -m tests.report.messages, and translate what is new"
# What is the same in every language.
FORMS = ("summary", "html", "markdown", "text")
NAMES = set(re.findall(r"[^\W\d_]+", f"SHA TPR at FPR ValueError goalkeeper {HOSTILE}"))
# Put together from parts, so that no module has them in one piece.
COMMAND = re.compile(r"goalkeeper run mail\.yaml( --[\w-]+ \S+)*")
COMPOSED = {"records a side) would settle it at the same rate"}
COMPOSED |= {
    "times the sample would settle it at the same rate",
    "that changes the result: two trainings that differ in it gave the same model",
}
LONG = 20  # characters, of a piece of a template between two values


@pytest.fixture(scope="module")
def masked() -> Language:
    return Language("x", Masked())


def rendered(form: str, language: Language, assessment: Assessment | None = None) -> str:
    about = replace(sample.context(), language=language)
    return renderers()[form]().render(assessment or sample.assessment(), about)


@pytest.mark.parametrize("language", OTHERS)
def test_a_catalogue_has_every_message_and_no_other(language: str) -> None:
    catalogue = read_catalogue(language)
    known = {m.id if isinstance(m.id, str) else tuple(m.id) for m in catalogue if m.id}
    wanted = messages()
    assert not wanted - known, UPDATE
    assert not known - wanted, UPDATE


@pytest.mark.parametrize("language", OTHERS)
def test_every_message_is_translated_and_filled_in_with_the_same(language: str) -> None:
    for message in read_catalogue(language):
        if not message.id:
            continue
        one = ([message.id] if isinstance(message.id, str) else message.id)[0]
        texts = [message.string] if isinstance(message.string, str) else list(message.string or ())
        assert all(texts), f"not translated: {one!r}"
        assert not message.fuzzy, one
        for text in texts:
            assert set(placeholders_of(text)) == set(placeholders_of(one)), text
            assert text[-1:].isspace() == one[-1:].isspace(), text


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_shipped_is_what_was_translated(language: str) -> None:
    shipped = LOCALE / language / "LC_MESSAGES" / "goalkeeper.mo"
    assert shipped.read_bytes() == compile_catalogue(read_catalogue(language)), UPDATE


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("made", [sample.assessment, partial(sample.many_attackers, 6)])
def test_no_english_is_left(form: str, made: Callable[[], Assessment], masked: Language) -> None:
    """What can be read is a name, a number, or what somebody wrote into the assessment."""
    assessment = advised(made())
    text = rendered(form, masked, assessment)
    plain = " ".join(COMMAND.sub(" ", " ".join(text.split())).split())
    texts = spoken(text) if text.startswith("<!DOCTYPE") else [plain]
    about = sample.context()
    data = data_of(assessment) | {*about.citations.values(), *(r.family for r in about.assignment)}
    left = readable(texts, data) - NAMES
    assert not left


def advised(assessment: Assessment) -> Assessment:
    """Replace made-up advice by what the taxonomy recommends."""
    remedies = default_policy().taxonomy.remedies["poisoning"]
    pairs = zip(assessment.advice, remedies, strict=False)
    given = [
        old.model_copy(update={"defence": new.defence, "reason": new.reason, "verified": None})
        for old, new in pairs
    ]
    return assessment.model_copy(update={"advice": tuple(given)})


def test_the_first_two_pages_are_german() -> None:
    page = Page(rendered("summary", find_language("de")))
    assert page.find("html")[0].attrs["lang"] == "de"
    text = " ".join(page.root.text.split())
    for words in ("Integrität", "nicht erreicht", "Ein Außenstehender hat", "8.000 Training"):
        assert words in text
    assert "57 bis 67 %" in text
    assert " not met" not in text


def test_a_report_in_english_is_the_same_before_and_after_one_in_german() -> None:
    before = rendered("summary", ENGLISH)
    rendered("summary", find_language("de"))
    assert rendered("summary", ENGLISH) == before


def test_two_reports_are_written_at_once_each_in_its_language() -> None:
    """Threads meet while each speaks its language: neither hears the other's."""
    meet, said = Barrier(2, timeout=10), {}

    def speak(code: str) -> None:
        with speaking(find_language(code)):
            meet.wait()
            said[code] = goal_name(A)
            meet.wait()

    threads = [Thread(target=speak, args=(code,)) for code in ("en", "de")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == {"en": "availability", "de": "Verfügbarkeit"}


def test_numbers_are_written_as_in_german() -> None:
    with speaking(find_language("de")):
        assert fmt.count(1086) == "1.086"
        assert fmt.quantity(0.0625, 1, fmt.PERCENT) == "6,2 %"
        assert fmt.quantity(0.9999, 0, fmt.PERCENT) == "über 99 %"
        assert fmt.interval(0.5, 1.25, 2, fmt.PLAIN) == "0,50 bis 1,25"
        assert fmt.duration(2.5) == "2,5 Sekunden"
        assert ngettext("{n} point", "{n} points", 1).format(n=1) == "1 Punkt"
    assert fmt.count(1086) == "1,086"


def test_what_a_run_stored_in_english_is_told_in_german() -> None:
    reason = (
        "not tested: too little data; about 12 times the sample would settle it at the same rate"
    )
    threat = "with at most 1,000 words added"
    with speaking(find_language("de")):
        assert retell_reason(reason).startswith(
            "nicht getestet: zu wenige Daten; etwa das 12-Fache"
        )
        assert retell_threat(threat) == "bei höchstens 1.000 hinzugefügten Wörtern"
        assert retell_reason("as somebody wrote it") == "as somebody wrote it"
    assert retell_reason(reason) == reason


def test_a_language_without_a_catalogue_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=re.escape("'fr' is not one of en, de")):
        find_language("fr")


def test_what_is_retold_is_what_some_module_writes() -> None:
    """A template of stored English that no module writes any more translates nothing."""
    stored = SRC / "report" / "stored.py"
    written = "".join(_plain(path) for path in SRC.rglob("*.py") if path != stored)
    for template in (*THREATS, *REASONS):
        for literal in (part for part, *_ in Formatter().parse(template) if len(part) > LONG):
            text = literal.strip(" (),.:;")
            assert text in COMPOSED or text in written, template


def _plain(path: Path) -> str:
    """Return the source of a module, with every text that is split over lines in one piece."""
    return re.sub(r'"\s+f?"', "", path.read_text(encoding="utf-8"))
