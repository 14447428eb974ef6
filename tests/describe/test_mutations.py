"""Whatever is done to an application file, `check` lists problems, and soon: it never raises."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from goalkeeper.core.errors import DescriptionError
from goalkeeper.describe import check
from tests.describe.writing import BASE, TABLE, write_table_app, write_text_app

FILES = 250
LONGEST = 2.0  # seconds for one file
Mutation = Callable[[random.Random, list[str]], list[str]]


def place(rng: random.Random, lines: list[str]) -> int:
    return rng.randrange(len(lines))


def delete(rng: random.Random, lines: list[str]) -> list[str]:
    i = place(rng, lines)
    return lines[:i] + lines[i + 1 :]


def duplicate(rng: random.Random, lines: list[str]) -> list[str]:
    i = place(rng, lines)
    return [*lines[:i], lines[i], *lines[i:]]


def swap(rng: random.Random, lines: list[str]) -> list[str]:
    i, j = place(rng, lines), place(rng, lines)
    lines = list(lines)
    lines[i], lines[j] = lines[j], lines[i]
    return lines


def indent(rng: random.Random, lines: list[str]) -> list[str]:
    i = place(rng, lines)
    return [*lines[:i], rng.choice([" ", "  ", "\t", "        "]) + lines[i], *lines[i + 1 :]]


def dedent(rng: random.Random, lines: list[str]) -> list[str]:
    i = place(rng, lines)
    return [*lines[:i], lines[i].lstrip(), *lines[i + 1 :]]


VALUES = (
    "", "null", "~", "true", "no", "0", "-1", "1e999", ".nan", ".inf", "9" * 400, "0x" + "f" * 300,
    "2024-01-01", "12:30:45", "!!binary aGk=", "!!python/object:os.system x", "!!set {a, b}",
    "!!int x", "!!timestamp x", "!unknown x", "[]", "{}", "[a, b", "{a: b", "[[[[]]]]",
    "{? [a] : b}", "{[1, 2]: 3}", "{1: 2, true: 3, null: 4}", "'", '"', '"\\x', "|", ">", "&a",
    "*a", "*nobody", "names, addresses and loans", "a: b: c", "a #b", "@a", "`a`", "%a", "- a",
    "? a", "high level", "very  high", "1_000", "1 %", "100 kg", "file.py:build:again", ":",
    "../../etc/passwd", "${HOME}", "${}", "x" * 100_000, "\u0000", "\ud7ff", "\u2028", "\ufeff",
    "a\u0301", "\u202eabc", "\U0001f642",
)  # fmt: skip


def value(rng: random.Random, lines: list[str]) -> list[str]:
    """Replace what stands behind a colon."""
    i = place(rng, lines)
    key, colon, _ = lines[i].partition(":")
    return [*lines[:i], f"{key}{colon} {rng.choice(VALUES)}", *lines[i + 1 :]]


def key(rng: random.Random, lines: list[str]) -> list[str]:
    """Misspell a key, or use another one."""
    i = place(rng, lines)
    name, colon, rest = lines[i].partition(":")
    at = rng.randrange(len(name) + 1)
    other = rng.choice(
        ["needs", "model", "goalkeeper", "<<", "1", "null", "true", "[a]", "? x", "file"]
    )
    wrong = rng.choice(
        [name[:at] + "x" + name[at:], name[:at] + name[at + 1 :], name.upper(), other]
    )
    return [*lines[:i], wrong + colon + rest, *lines[i + 1 :]]


def characters(rng: random.Random, lines: list[str]) -> list[str]:
    i = place(rng, lines)
    at = rng.randrange(len(lines[i]) + 1)
    odd = rng.choice("\x00\x07\ufeff\t\r\x85{}[],:&*!|>'\"%@`#-?\\")
    return [*lines[:i], lines[i][:at] + odd + lines[i][at:], *lines[i + 1 :]]


BLOCKS = (
    "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nname: *c",
    "\n".join(
        ["a0: &a0 [x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    ),
    "loop: &l [*l]",
    "loop: &l {again: *l}",
    "base: &base {level: high}\nmerged: {<<: *base}",
    "merged: {<<: 3}",
    "merged: {<<: [1, 2]}",
    "deep: " + "[" * 2000 + "]" * 2000,
    "deep: " + "{a: " * 500 + "1" + "}" * 500,
    "deep:\n" + "\n".join(" " * i + "a:" for i in range(1, 400)),
    "---\nanother: document",
    "...\nbehind: the end",
    "%YAML 9.9",
    "- a list",
    "just words",
    "<<: *missing",
    "? {a: b}\n: c",
)


def block(rng: random.Random, lines: list[str]) -> list[str]:
    i = rng.choice([0, place(rng, lines), len(lines)])
    return [*lines[:i], *rng.choice(BLOCKS).split("\n"), *lines[i:]]


def cut_off(rng: random.Random, lines: list[str]) -> list[str]:
    text = "\n".join(lines)
    return text[: rng.randrange(len(text))].split("\n")


MUTATIONS: tuple[Mutation, ...] = (
    delete, duplicate, swap, indent, dedent, value, value, value, key, key, characters, block,
    cut_off,
)  # fmt: skip


def encoded(rng: random.Random, text: str) -> bytes:
    """Most files are UTF-8 with line feeds; some are not."""
    kind = rng.choice(
        ["plain"] * 12 + ["bom", "crlf", "cr", "utf-16", "latin-1", "broken", "empty"]
    )
    plain = text.encode("utf-8", "surrogatepass")
    return {
        "plain": plain,
        "bom": b"\xef\xbb\xbf" + plain,
        "crlf": plain.replace(b"\n", b"\r\n"),
        "cr": plain.replace(b"\n", b"\r"),
        "utf-16": text.encode("utf-16", "surrogatepass"),
        "latin-1": text.encode("latin-1", "replace") + b"# caf\xe9",
        "broken": plain + b"\xff\xfe\x00",
        "empty": b"",
    }[kind]


def mutated(seed: int) -> bytes:
    """Apply one to four mutations to one of two application files."""
    rng = random.Random(seed)  # noqa: S311 - mistakes, not secrets
    lines = rng.choice([BASE, TABLE]).split("\n")
    for _ in range(rng.choice([1, 1, 1, 2, 3, 4])):
        lines = rng.choice(MUTATIONS)(rng, lines or [""])
    return encoded(rng, "\n".join(lines))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_table_app(tmp_path)
    return write_text_app(tmp_path)


def test_mutated_files_give_problems_and_nothing_else(path: Path) -> None:
    wrong, refused = [], 0
    for seed in range(FILES):
        path.write_bytes(mutated(seed))
        begun = time.monotonic()
        try:
            found = check(path, data=False)
        except BaseException as error:  # noqa: BLE001 - all of them are listed at once
            wrong.append(f"{seed}: {type(error).__name__}: {str(error)[:200]}")
            continue
        refused += bool(found)
        wrong += [f"{seed}: {e!r}" for e in found if not isinstance(e, DescriptionError)]
        wrong += [f"{seed}: {len(str(e))} characters" for e in found if len(str(e)) > 2000]
        wrong += [f"{seed}: no advice: {e}" for e in found if not str(e).strip()]
        if time.monotonic() - begun > LONGEST:
            wrong.append(f"{seed}: took {time.monotonic() - begun:.1f} s")
    assert wrong == []
    assert refused > FILES / 2


@pytest.mark.parametrize("text", BLOCKS)
@pytest.mark.parametrize("at", [8, 10_000])
def test_each_odd_block_gives_problems_at_each_place(text: str, at: int, path: Path) -> None:
    lines = BASE.split("\n")
    path.write_text("\n".join([*lines[:at], text, *lines[at:]]), encoding="utf-8")
    assert all(isinstance(found, DescriptionError) for found in check(path, data=False))


@pytest.mark.parametrize("odd", VALUES, ids=range(len(VALUES)))
def test_each_odd_value_gives_problems_at_some_keys(odd: str, path: Path) -> None:
    lines = BASE.split("\n")
    keys = [i for i, line in enumerate(lines) if ":" in line]
    for i in random.Random(odd).sample(keys, 6):  # noqa: S311 - keys, not secrets
        text = "\n".join([*lines[:i], f"{lines[i].partition(':')[0]}: {odd}", *lines[i + 1 :]])
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        assert all(isinstance(found, DescriptionError) for found in check(path, data=False))


def test_a_comma_without_quotes_is_explained(path: Path) -> None:
    reason = "{level: high, reason: names, addresses and loans}"
    path.write_text(BASE.replace("{level: high, reason: The mail is private.}", reason))
    (found,) = check(path, data=False)
    assert isinstance(found, DescriptionError)
    assert found.advice == "put the sentence in quotes: reason: 'names, addresses and loans'"
