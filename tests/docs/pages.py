"""The pages as tests see them: files, headings, links and code blocks.

Reference pages are generated, not committed: `generated()` makes them once per process, and
`read()` returns the text of either kind.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
README = ROOT / "README.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
SECURITY = ROOT / "SECURITY.md"
REFERENCE = DOCS / "reference"
REQUIREMENTS = DOCS / "requirements.md"


def is_generated(page: Path) -> bool:
    return page == REQUIREMENTS or REFERENCE in page.parents


PAGES = [page for page in sorted(DOCS.rglob("*.md")) if not is_generated(page)]
EVERYTHING = [README, CONTRIBUTING, SECURITY, *PAGES]
FENCE = re.compile(
    r"^(?P<run><!-- run -->\n)?```(?P<language>\w*)(?P<rest>[^\n]*)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A code block; `run` tells whether the page marks it as one that the tests execute."""

    page: Path
    language: str
    title: str
    body: str
    run: bool

    @property
    def name(self) -> str:
        return f"{short(self.page)}: {self.title or self.body.splitlines()[0][:40]}"


@cache
def script(name: str) -> ModuleType:
    """Import a script of docs/, which import each other as they do when they are run."""
    sys.path.insert(0, str(DOCS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(DOCS))


@cache
def generated() -> dict[Path, str]:
    """Generate the reference pages, as they would stand in docs/."""
    return {DOCS / name: text for name, text in script("generate").pages().items()}


def read(page: Path) -> str:
    return generated()[page] if is_generated(page) else page.read_text(encoding="utf-8")


def exists(page: Path) -> bool:
    return page in generated() if is_generated(page) else page.is_file()


def short(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, *languages: str) -> Iterator[Block]:
    """Find the code blocks of a page, in order."""
    for found in FENCE.finditer(read(page)):
        if not languages or found["language"] in languages:
            title = re.search(r'title="([^"]*)"', found["rest"])
            yield Block(
                page=page,
                language=found["language"],
                title=title[1] if title else "",
                body=found["body"],
                run=bool(found["run"]),
            )


def titled(page: Path, title: str) -> str:
    """Return the code block of this title."""
    return next(b.body for b in blocks(page) if b.title == title)


def text(page: Path) -> str:
    """Return a page without its code blocks and code spans."""
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", read(page)))


def links(page: Path) -> list[str]:
    return LINK.findall(text(page))


def anchors(page: Path) -> set[str]:
    """List the anchors that the headings of a page get."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", read(page)), re.M)
    return {re.sub(r"[^\w-]+", "-", h.replace("`", "").lower()).strip("-") for h in headings}


def commands(page: Path) -> Iterator[str]:
    """Find each line of a shell block that calls goalkeeper; what follows || or > is left out."""
    for block in blocks(page, "bash", "console", "sh"):
        for shown in block.body.splitlines():
            line = shown.removeprefix("$ ").strip()
            if line.startswith("goalkeeper "):
                yield re.split(r"\s(?:\|\||&&|[>|])\s", line)[0]
