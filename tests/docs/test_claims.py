"""Pages say what is so: numbers, lists, names, commands, and what is missing."""

from __future__ import annotations

import importlib
import re
import shlex
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from goalkeeper.attacks import catalogue
from goalkeeper.cli.exits import Exit
from goalkeeper.describe.document import parse
from goalkeeper.describe.kinds import file_kinds
from goalkeeper.describe.whole_form import application_form
from goalkeeper.examples import NAMES as EXAMPLES
from goalkeeper.games import catalogue as games
from goalkeeper.policy import default_policy
from goalkeeper.report import renderers
from tests.docs.claims import CLAIMS, PARTS, Claim, found, parts_missing, sentences
from tests.docs.pages import DOCS, EVERYTHING, FENCE, README, ROOT, blocks, short
from tests.docs.test_commands import VERBS, options
from tests.test_untested import OPEN

each_page = pytest.mark.parametrize("page", EVERYTHING, ids=short)
POLICY = default_policy()
KINDS = ("text", "table", "image")


# ---- what is missing -----------------------------------------------------------------------------


def test_whatever_is_said_to_be_missing_is_listed_with_a_check() -> None:
    lacking = [
        f"{page}: {sentence}"
        for page, sentence in found()
        if not any(c.page == page and c.says in sentence for c in CLAIMS)
    ]
    assert not lacking, "add these to tests/docs/claims.py, with a check:\n" + "\n".join(lacking)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda c: f"{c.page}: {c.says[:40]}")
def test_what_is_said_to_be_missing_still_is(claim: Claim) -> None:
    said = [sentence for page, sentence in found() if page == claim.page]
    assert any(claim.says in sentence for sentence in said), "the page no longer says so"
    assert claim.still or claim.shown_by or claim.why
    if claim.still:
        assert claim.still(), f"{claim.page} says {claim.says!r}, which is no longer true"
    if claim.shown_by:
        assert (ROOT / claim.shown_by).exists(), claim.shown_by


def test_requirements_that_are_met_in_part_are_known() -> None:
    assert set(parts_missing()) == set(PARTS)
    for missing in parts_missing().values():
        for name in re.findall(r"[a-z]+[-_ ][a-z]+", missing):
            words = re.sub(r"[-_ ]", "_", name)
            assert words not in catalogue(), f"{missing!r}: there is an attack {words}"


def test_variants_without_an_attack_are_those_that_the_page_lists() -> None:
    """Each variant, and the kinds of input without an attack, unless it does not exist there."""
    page = (DOCS / "explanation" / "what-may-decide.md").read_text("utf-8")
    part = page[page.index("## Variants without an attack") :]
    kinds = {"texts": "text", "images": "image", "tables": "table"}
    listed = {
        variant: {kind for word, kind in kinds.items() if word in about} or set(KINDS)
        for row in re.findall(r"^\| (`\w+\.\w+`[^|]*) \|", part, re.MULTILINE)
        for variant, about in re.findall(r"`(\w+\.\w+)`(?: \(([^)]+)\))?", row)
    }
    assert listed == without_attack()
    assert ("which is empty" in part) == (not OPEN)


def without_attack() -> dict[str, set[str]]:
    """Map each variant to the kinds of input that it exists for and no attack is for."""
    lacking = {}
    for variant in POLICY.variants():
        mine = [a for a in catalogue().values() if a.variant in (variant.id, variant.measured_by)]
        exists = variant.inputs if variant.inputs and variant.elsewhere is None else KINDS
        lacking[variant.id] = {*exists} - {k for a in mine for k in a.domains & a.game.domains}
    return {id_: kinds for id_, kinds in lacking.items() if kinds}


# ---- numbers -------------------------------------------------------------------------------------

WORDS = re.findall(
    r"\w+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty",
)
COUNTED: dict[str, Callable[[], int]] = {
    "attacks": lambda: len(catalogue()),
    "games": lambda: len(games()),
    "variants": lambda: len(POLICY.variants()),
    "families": lambda: len(POLICY.families),
    "verbs": lambda: len(VERBS),
    "commands": lambda: len(VERBS),
    "frameworks": lambda: len(POLICY.taxonomy.frameworks),
    "built-in attackers": lambda: len(POLICY.attackers),
    "exit codes": lambda: len(Exit),
    "formats of the report": lambda: len(renderers()),
    "security goals": lambda: 4,
    "goals": lambda: 4,
    "bundled examples": lambda: len(EXAMPLES),
}
SMALL = 3  # `two attacks`, `three games` speak of some of them
NUMBER = re.compile(
    rf"\b(\d+|{'|'.join(WORDS)}) (?:more )?({'|'.join(COUNTED)})\b(?! runs?\b)", re.IGNORECASE
)


def numbers(words: str) -> Iterator[tuple[int, str]]:
    for number, what in NUMBER.findall(words):
        value = int(number) if number.isdigit() else WORDS.index(number.lower())
        yield value, what.lower()


@each_page
def test_numbers_are_those_of_the_code(page: Path) -> None:
    """Benchmarks tell how many were measured on a day, so they may differ."""
    if page.name in ("benchmarks.md", "validation.md"):
        return
    for sentence in sentences(page):
        for value, what in numbers(sentence):
            if value > SMALL:
                assert value == COUNTED[what](), f"{short(page)}: {sentence}"


def test_a_wrong_number_would_be_noticed() -> None:
    assert list(numbers("It has 69 attacks, fifteen games and 12 attack runs.")) == [
        (69, "attacks"),
        (15, "games"),
    ]


# ---- lists ---------------------------------------------------------------------------------------


def rows(page: Path, after: str) -> list[list[str]]:
    """Return the rows of the first table after a heading or sentence, without its head."""
    part = page.read_text("utf-8").partition(after)[2]
    table = re.search(r"(?:^\|.*\|\n)+", part, re.MULTILINE)
    assert table is not None, after
    return [[c.strip() for c in line.strip("|").split("|")] for line in table[0].splitlines()][2:]


def test_every_game_is_in_the_table_of_games() -> None:
    named = [
        row[0].replace(" ", "_") for row in rows(DOCS / "explanation/games.md", "## The games")
    ]
    assert sorted(named) == sorted(games())


def test_every_format_of_a_stored_model_is_in_its_table() -> None:
    page = DOCS / "how-to" / "bring-your-own-model.md"
    first = [re.sub(r"\W", "", row[0].lower()) for row in rows(page, "# Bring your own model")]
    for name in file_kinds():
        word = {"sklearn_pickle": "pickle", "torch_program": "torchscript"}.get(name, name)
        word = word.removesuffix("_model").removesuffix("_folder")
        assert sum(word in row for row in first) == 1, name
    assert len(first) == len(file_kinds())


def test_exit_codes_are_those_of_the_code() -> None:
    codes = {str(int(code)) for code in Exit}
    assert {row[0] for row in rows(README, "## Exit codes")} == codes
    assert {row[0] for row in rows(DOCS / "how-to" / "ci.md", "## A gate")} <= codes


def test_every_built_in_attacker_is_explained() -> None:
    page = (DOCS / "explanation" / "attackers.md").read_text("utf-8")
    for name in POLICY.attackers:
        assert name in page or name.replace("_", " ") in page, name


# ---- commands and names --------------------------------------------------------------------------


@each_page
def test_commands_in_a_sentence_exist(page: Path) -> None:
    for span in re.findall(r"`goalkeeper ([^`]+)`", page.read_text("utf-8").replace("\n", " ")):
        verb, *rest = shlex.split(span)
        if verb in ("VERB", "--help", "--version"):
            continue
        assert verb in VERBS, f"{short(page)}: goalkeeper {span}"
        known = options(verb)
        for word in rest:
            if word.startswith("-"):
                assert word.split("=")[0] in known, f"{short(page)}: goalkeeper {span}"


def spans(page: Path) -> list[str]:
    """Return what a page quotes as code, in its sentences."""
    return re.findall(r"`([^`\n]+)`", FENCE.sub("", page.read_text("utf-8")))


OURS = re.compile(r"(?:src|tests|docs|benchmarks|examples)/[\w./-]+")
PACKAGES = [path.name for path in (ROOT / "src" / "goalkeeper").iterdir() if path.is_dir()]
BELOW = re.compile(rf"(?:{'|'.join(PACKAGES)})/[\w./-]*")
PLACEHOLDER = re.compile(r"\b[A-Z]{3,}\b|modified_entropy")  # names that a reader chooses


@each_page
def test_files_that_are_named_exist(page: Path) -> None:
    for span in spans(page):
        path = span.partition("::")[0]
        if PLACEHOLDER.search(path) or path.startswith(("docs/reference", "docs/requirements.md")):
            continue
        if OURS.fullmatch(path):
            assert (ROOT / path).exists(), f"{short(page)}: {span}"
        elif BELOW.fullmatch(path):
            src = ROOT / "src" / "goalkeeper"
            assert (src / path).exists() or (src / f"training/{path}").exists(), (
                f"{short(page)}: {span}"
            )


GROUPS = {"goalkeeper.defences", "goalkeeper.renderers", "goalkeeper.executors"}  # entry points


@each_page
def test_python_names_exist(page: Path) -> None:
    for span in spans(page):
        name = re.match(r"(?:goalkeeper|gk)((?:\.\w+)+)", span)
        if name and not PLACEHOLDER.search(span) and span not in GROUPS:
            dotted = f"goalkeeper{name[1]}"
            with warnings.catch_warnings():  # the page on versions names old names
                warnings.simplefilter("ignore", DeprecationWarning)
                assert resolve(dotted) is not None, f"{short(page)}: {span}"


def resolve(dotted: str) -> Any:
    """Import the longest module of a dotted name, and look up the rest; None if it is not there."""
    parts = dotted.split(".")
    for i in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:i]))
        except ModuleNotFoundError:
            continue
        for name in parts[i:]:
            found = getattr(found, name, None)
        return found
    return None


PYTHON = [block for page in EVERYTHING for block in blocks(page, "python")]


@pytest.mark.parametrize("block", PYTHON, ids=lambda b: b.name)
def test_names_that_code_imports_exist(block: Any) -> None:
    for module, names in re.findall(r"^from (goalkeeper[\w.]*) import ([^\n(]+)", block.body, re.M):
        for name in names.split(","):
            word = name.split(" as ")[0].strip()
            assert resolve(f"{module}.{word}") is not None, f"{block.name}: {module}.{word}"


WHOLE = [
    block for page in EVERYTHING for block in blocks(page, "yaml") if "goalkeeper: 1" in block.body
]


@pytest.mark.parametrize("block", WHOLE, ids=lambda b: b.name)
def test_application_files_fit_the_form(block: Any) -> None:
    application_form().model_validate(parse(block.body, block.page).value)


def test_pages_have_sentences() -> None:
    """A pattern that finds nothing would let every page pass."""
    assert len(found()) > 30
    assert len(WHOLE) > 3
    assert len(PYTHON) > 5
    assert sum(bool(OURS.fullmatch(s)) for page in EVERYTHING for s in spans(page)) > 15
