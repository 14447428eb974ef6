"""All messages of a report, taken from its code, templates and the taxonomy; and their catalogues.

`python -m tests.report.messages` brings the catalogues up to date: it adds what is missing, drops
what is obsolete, and compiles them.
"""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from goalkeeper.core.power import MEANING
from goalkeeper.policy import default_policy
from goalkeeper.report import phrases, vocabulary, words
from goalkeeper.report.html import _environment
from goalkeeper.report.language import LANGUAGES, LOCALE

SRC = Path(__file__).parents[2] / "src" / "goalkeeper"
TEMPLATES = SRC / "report" / "templates"
CALLS = ("_", "N_", "ngettext")
NO_MESSAGES = {"STATED"}  # of stored texts
Message = str | tuple[str, str]


def messages() -> set[Message]:
    """Return every message, those with a plural as pairs."""
    found: set[Message] = set()
    for path in sorted(SRC.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if "goalkeeper.report.language import" in source:
            found |= set(_in_code(ast.parse(source)))
    for path in sorted(TEMPLATES.glob("*.html")):
        found |= set(_in_template(path.read_text(encoding="utf-8")))
    for module in (phrases, vocabulary, words):
        found |= set(_in_constants(module))
    return found | set(_in_policy()) | set(MEANING.values())


def _in_code(tree: ast.Module) -> Iterator[Message]:
    """List what is marked in code: constant arguments of the functions that translate."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            values = (a.value for a in node.args if isinstance(a, ast.Constant))
            texts = [value for value in values if isinstance(value, str)]
            if node.func.id in CALLS and texts:
                yield (texts[0], texts[1]) if node.func.id == "ngettext" else texts[0]


def _in_template(source: str) -> Iterator[Message]:
    extract = _environment().extract_translations  # type: ignore[attr-defined]
    for _line, _function, found in extract(source):
        texts = [t for t in ([found] if isinstance(found, str) else found or ()) if t]
        if len(texts) > 1:
            yield (texts[0], texts[1])
        elif texts:
            yield texts[0]


def _in_constants(module: Any) -> Iterator[str]:
    """List every text among the constants of a module that holds nothing but wording."""
    for name, value in vars(module).items():
        if name.isupper() and name not in NO_MESSAGES:
            yield from _texts(value)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, words.VerdictLabel):
        yield from (value.word, value.meaning)
    elif isinstance(value, str) and not isinstance(value, Enum):
        yield from [value] if any(c.isalpha() for c in value) else []
    elif isinstance(value, Mapping):
        yield from (text for item in value.values() for text in _texts(item))
    elif isinstance(value, tuple | list):
        yield from (text for item in value for text in _texts(item))
    elif is_dataclass(value):
        yield from (text for f in fields(value) for text in _texts(getattr(value, f.name)))


def _in_policy() -> Iterator[str]:
    """List the sentences of the taxonomy, and its remedies."""
    taxonomy = default_policy().taxonomy
    for variant in taxonomy.sentences.values():
        yield from _texts(variant)
    for remedies in taxonomy.remedies.values():
        for remedy in remedies:
            yield from (remedy.defence, remedy.reason)


# ---- catalogues ----------------------------------------------------------------------------------


def read_catalogue(language: str) -> Catalog:
    """Read the catalogue of a language."""
    path = LOCALE / language / "LC_MESSAGES" / "goalkeeper.po"
    return read_po(io.BytesIO(path.read_bytes()), locale=language)


def compile_catalogue(catalogue: Catalog) -> bytes:
    """Return a catalogue as goalkeeper reads it; the same bytes for the same translations."""
    buffer = io.BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def update(language: str) -> None:
    """Add the messages that a catalogue lacks, drop those that are no more, and compile it."""
    folder = LOCALE / language / "LC_MESSAGES"
    old = read_catalogue(language)
    new = Catalog(locale=language, fuzzy=False, header_comment=old.header_comment)
    new.mime_headers = old.mime_headers
    for message in sorted(messages(), key=str):
        known = old.get(message if isinstance(message, str) else message[0])
        new.add(message, known.string if known else None)
    buffer = io.BytesIO()
    write_po(buffer, new, width=100, omit_header=False)
    (folder / "goalkeeper.po").write_bytes(buffer.getvalue())
    (folder / "goalkeeper.mo").write_bytes(compile_catalogue(new))


if __name__ == "__main__":
    for code in LANGUAGES[1:]:
        update(code)
