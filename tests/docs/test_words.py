"""The glossary: one term, one meaning, the same in page and report; the classes exist."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from goalkeeper.core.evidence import Status
from goalkeeper.policy import default_policy
from goalkeeper.report.words import GLOSSARY
from tests.docs.pages import DOCS, PAGES, short

ENTRY = re.compile(
    r"^\*\*(?P<term>[^*]+)\*\*(?: \(`(?P<home>[\w.]+)`\))?\n:   (?P<text>.+(?:\n    .+)*)$", re.M
)
ENTRIES = list(ENTRY.finditer((DOCS / "glossary.md").read_text()))
TERMS = [entry["term"].lower() for entry in ENTRIES]
HOMES = [entry["home"] for entry in ENTRIES if entry["home"]]
# The words of the design; a page of ours may not do without any of them.
WORDS = """
    goal, knowledge, capability, view, power, attacker, need, application, target, trainer, access,
    game, attack, measurement, curve, evidence, bracket, certificate, defence, rating, verdict,
    assessment, report, budget, campaign, box, inconclusive, exposure level
"""


def test_every_entry_is_read() -> None:
    assert len(ENTRIES) == (DOCS / "glossary.md").read_text().count("\n**")


def test_no_word_stands_twice() -> None:
    assert sorted(set(TERMS)) == sorted(TERMS)


@pytest.mark.parametrize("home", HOMES)
def test_named_code_exists(home: str) -> None:
    module, _, name = home.rpartition(".")
    found: Any = import_module(module)
    assert hasattr(found, name) or find_spec(home), home


def test_words_of_the_design_are_explained() -> None:
    assert {word.strip() for word in WORDS.split(",")} <= set(TERMS)


def test_words_of_the_report_are_explained_in_the_same_way() -> None:
    """The page may say more than the report, but not something else."""
    texts = {entry["term"].lower(): " ".join(entry["text"].split()) for entry in ENTRIES}
    for term, meaning in GLOSSARY:
        assert texts[term].startswith(meaning), term


def test_statuses_are_explained() -> None:
    page = (DOCS / "explanation" / "games.md").read_text()
    part = page.partition("## What every attack ends with")[2]
    assert set(re.findall(r"^\| (\w+) \|", part, re.M)) == {"status", *Status}


def test_built_in_attackers_are_explained() -> None:
    page = (DOCS / "explanation" / "attackers.md").read_text()
    last = page[page.index("## The seven built-in attackers") :]
    named = re.findall(r"^\| (\w+) \|", last, re.M)
    assert named == ["name", *default_policy().attackers]
    assert len(named) == 8


def test_swapped_rows_are_those_of_the_taxonomy() -> None:
    page = (DOCS / "explanation" / "table-note.md").read_text()
    rows = {row.family: row for row in default_policy().assignment() if row.named}
    for label, family in (
        ("adversarial attacks", "evasion"),
        ("data poisoning", "poisoning"),
        ("model stealing, model extraction", "extraction"),
    ):
        row = rows[family]
        assert f"| {label} | {row.english} | {row.german} |" in page


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_no_praise(page: Path) -> None:
    boast = r"\b(powerful|seamless|cutting-edge|state-of-the-art|robustly|blazing|effortless)\b"
    if "reference" not in page.parts:
        assert not re.search(boast, page.read_text(), re.IGNORECASE)
