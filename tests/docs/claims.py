"""What the pages say is missing, and how to notice that it no longer is.

Every sentence of a hand-written page that says `not yet`, `not implemented`, `cannot be run` and
the like stands here, with a check that fails once the sentence is not true any more. Sentences that
say `cannot` of an attacker, an attack or a bound by definition are named as such.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from typer.main import get_command

from goalkeeper.attacks import catalogue
from goalkeeper.cli.main import build
from goalkeeper.policy import default_policy
from tests.docs.pages import EVERYTHING, FENCE, ROOT, short

SRC = ROOT / "src" / "goalkeeper"

# Words by which a page says that something is missing or impossible.
MISSING = re.compile(
    r"\b(?:not yet|yet|n't yet|no adapters?|not implemented|not supported|(?:does|do) not support|"
    r"unsupported|(?:has|have|is|are) no (?:such )?attacks?(?! run)|no attack of|in future|"
    r"reserved|not available|cannot)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A sentence of a page, and what shows that it is still true.

    `still` returns whether it is; `shown_by` names a test that demonstrates it; a sentence with
    neither is true by definition, and `why` says of what.
    """

    page: str
    says: str
    still: Callable[[], bool] | None = None
    shown_by: str = ""
    why: str = ""


def sentences(page: Path) -> list[str]:
    """Split a page into sentences and table rows, each on one line; code blocks are left out."""
    text = FENCE.sub("\n\n", page.read_text(encoding="utf-8"))
    blocks = re.split(r"\n\s*\n|\n(?=[-|#:] ?|\d+\. )", text)
    flat = (" ".join(block.split()) for block in blocks)
    return [one for block in flat for one in re.split(r"(?<=[.!?:]) (?=[A-Z`\[*\"])", block)]


@cache
def found() -> tuple[tuple[str, str], ...]:
    """List every page and sentence that says that something is missing or impossible."""
    return tuple(
        (short(page), sentence)
        for page in EVERYTHING
        if page.name != "gallery.md"  # what reports of the examples say, not what goalkeeper is
        for sentence in sentences(page)
        if MISSING.search(sentence)
    )


def parts_missing() -> dict[str, str]:
    """Map each requirement that is met in part to what is missing."""
    listed = yaml.safe_load((ROOT / "docs" / "requirements.yaml").read_text("utf-8"))
    return {entry["id"]: entry["part"] for entry in listed if "part" in entry}


# ---- checks --------------------------------------------------------------------------------------


def some_variant_has_no_attack() -> bool:
    have = {attack.variant for attack in catalogue().values()}
    return any(not have & {v.id, v.measured_by} for v in default_policy().variants())


def no_verb(name: str) -> Callable[[], bool]:
    """Return the check that the command line has no such verb."""
    return lambda: name not in getattr(get_command(build()), "commands", {})


def no_certificate() -> bool:
    """Nothing that a rating is made of is a proof: no tally and no status is a certificate."""
    tree = ast.parse((SRC / "core" / "evidence.py").read_text("utf-8"))
    return not any("certif" in getattr(node, "name", "").lower() for node in ast.walk(tree))


DEFINITION = "what the word means"
DESIGN = "what the access of an attack is made for: docs/architecture.md lists the tests"

CLAIMS = (
    Claim(
        page="README.md",
        says="Some variants of attacks are not implemented yet",
        still=some_variant_has_no_attack,
    ),
    Claim(
        page="README.md",
        says="could mount but goalkeeper cannot run is reported as not tested",
        still=some_variant_has_no_attack,
    ),
    Claim(page="README.md", says="does not do yet", still=some_variant_has_no_attack),
    Claim(page="docs/index.md", says="does not do yet", still=some_variant_has_no_attack),
    Claim(
        page="docs/index.md",
        says="Some variants of attacks are not implemented yet",
        still=some_variant_has_no_attack,
    ),
    Claim(
        page="docs/index.md",
        says="could mount but goalkeeper cannot run is reported as not tested",
        still=some_variant_has_no_attack,
    ),
    Claim(
        page="docs/explanation/brackets-and-rating.md",
        says="Not all [variants](../reference/variants.md) have an attack yet",
        still=some_variant_has_no_attack,
    ),
    Claim(
        page="docs/explanation/brackets-and-rating.md",
        says="the goal cannot be rated as met",
        still=some_variant_has_no_attack,
    ),
    Claim(
        page="docs/explanation/what-may-decide.md",
        says="goalkeeper has no attack for some",
        still=some_variant_has_no_attack,
    ),
    Claim(
        page="docs/explanation/games.md",
        says="or goalkeeper has no such attack",
        still=some_variant_has_no_attack,
    ),
    Claim(page="docs/glossary.md", says="There are none yet", still=no_certificate),
    Claim(
        page="docs/how-to/data.md",
        says="What is not assessed yet",
        shown_by="tests/describe/test_tables.py",
    ),
    Claim(
        page="docs/how-to/bring-your-own-model.md",
        says="Attacks that retrain the model cannot be tested on a stored file alone",
        shown_by="tests/describe/test_stored_models.py",
    ),
    Claim(
        page="docs/how-to/bring-your-own-model.md",
        says="TorchScript** cannot reach Python",
        shown_by="tests/describe/kinds",
    ),
    Claim(
        page="docs/explanation/opening-model-files.md",
        says="Names that run commands or code or reach files cannot be added",
        shown_by="tests/opening/test_rules.py",
    ),
    Claim(
        page="docs/explanation/opening-model-files.md",
        says="A file that a scanner cannot read counts as flagged",
        why=DEFINITION,
    ),
    Claim(
        page="docs/how-to/scan-model-files.md",
        says="it cannot be read to its end",
        shown_by="tests/opening/test_scan.py",
    ),
    Claim(
        page="docs/architecture.md",
        says="A pickle that it names cannot run code",
        shown_by="tests/opening/test_payloads.py",
    ),
    Claim(
        page="docs/architecture.md",
        says="made in Python cannot be loaded by another process",
        shown_by="tests/describe/test_in_python.py",
    ),
    Claim(page="docs/architecture.md", says="reasons for what cannot run", why=DEFINITION),
    Claim(
        page="docs/architecture.md", says="labels only cannot see scores by accident", why=DESIGN
    ),
    Claim(page="docs/architecture.md", says="measures what is not yet measured", why=DEFINITION),
    Claim(page="CONTRIBUTING.md", says="cannot be run without the power", why=DESIGN),
    Claim(page="docs/explanation/games.md", says="The attack cannot see the secret", why=DESIGN),
    Claim(page="docs/explanation/games.md", says="cannot be won by any attack", why=DEFINITION),
    Claim(page="docs/explanation/attackers.md", says="cannot write a label", why=DESIGN),
    Claim(page="docs/glossary.md", says="cannot be excluded", why=DEFINITION),
    Claim(page="docs/glossary.md", says="testing or proof cannot exclude", why=DEFINITION),
    Claim(page="docs/explanation/standards.md", says="cannot be excluded", why=DEFINITION),
    Claim(page="docs/explanation/brackets-and-rating.md", says="cannot exclude", why=DEFINITION),
    Claim(
        page="docs/explanation/brackets-and-rating.md", says="cannot be excluded", why=DEFINITION
    ),
    Claim(page="docs/tutorial/spam-filter.md", says="cannot be excluded", why=DEFINITION),
    Claim(page="docs/tutorial/spam-filter.md", says="has no attack of", why=DEFINITION),
    Claim(
        page="docs/tutorial/cancer-treatment.md", says="an attacker cannot change", why=DEFINITION
    ),
    Claim(
        page="docs/explanation/public-surface.md",
        says="What cannot be loaded",
        shown_by="tests/report/test_renderers.py",
    ),
    Claim(
        page="docs/explanation/versions.md",
        says="cannot be measured now",
        why="the measurement is over",
    ),
    Claim(
        page="docs/how-to/describe-the-threat.md",
        says="without a cost cannot be changed",
        shown_by="tests/describe/test_threats.py",
    ),
    Claim(page="docs/how-to/describe-the-threat.md", says="What cannot be met", why=DEFINITION),
    Claim(
        page="docs/how-to/describe-the-threat.md",
        says="Attacks that an attacker cannot mount are skipped",
        shown_by="tests/test_planning.py",
    ),
    Claim(page="docs/how-to/http-service.md", says="cannot be loaded here", why=DEFINITION),
    Claim(
        page="docs/how-to/model-fit.md",
        says="the file cannot be used",
        shown_by="tests/cli/test_check.py",
    ),
    Claim(page="docs/how-to/own-pytorch-model.md", says="cannot be trained", why=DEFINITION),
    Claim(
        page="docs/how-to/own-sklearn-model.md",
        says="declined harmless inputs cannot be measured",
        why="no class says what declining is",
    ),
    Claim(
        page="docs/how-to/own-sklearn-model.md", says="an attacker cannot change", why=DEFINITION
    ),
    Claim(
        page="docs/how-to/own-sklearn-model.md",
        says="goalkeeper cannot know that by itself",
        why="a stored model does not say what it was trained on",
    ),
    Claim(
        page="docs/how-to/stored-model.md",
        says="cannot be found: move it to a module",
        shown_by="tests/describe/kinds",
    ),
    Claim(
        page="docs/how-to/surrounding-system.md",
        says="says what is wrong if it cannot",
        shown_by="tests/describe/test_feedback.py",
    ),
    Claim(page="docs/how-to/time-and-effort.md", says="What cannot decide", why=DEFINITION),
    Claim(page="docs/how-to/time-and-effort.md", says="not yet begun", why=DEFINITION),
    Claim(
        page="docs/how-to/workers-and-store.md",
        says="certificates cannot connect",
        why="what a certificate is for",
    ),
    Claim(
        page="docs/how-to/workers-and-store.md",
        says="the store cannot be written",
        shown_by="tests/cli/test_store.py",
    ),
    Claim(page="docs/how-to/write-an-attack.md", says="cannot be subclassed", why=DEFINITION),
    Claim(page="docs/how-to/write-an-attack.md", says="cannot be run by", why=DESIGN),
    Claim(
        page="docs/how-to/write-an-attack.md",
        says="A plug-in that cannot be loaded is skipped",
        shown_by="tests/report/test_renderers.py",
    ),
)

PARTS = {
    "S35": "a chain is run by the attack that learns the copy; no attack takes another's copy",
}
