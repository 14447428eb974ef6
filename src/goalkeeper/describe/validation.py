"""Check an application file against the form, and say of each key that is wrong what is wanted."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.usercode import shortened
from goalkeeper.describe.document import Document, Key, dotted, kind_of
from goalkeeper.describe.form import ApplicationForm
from goalkeeper.describe.problems import choice, nearest, problem
from goalkeeper.describe.schema import Guide
from goalkeeper.describe.whole_form import application_form

# What stands in for a missing key, so that the rest can be checked: it is never used.
STAND_INS = {"goalkeeper": 1, "name": "missing", "reason": "missing", "level": "normal"}
NEED_MISSING = {"none": "missing"}


@dataclass(frozen=True, eq=False)
class Validated:
    """What the form says of a document.

    Parameters
    ----------
    form
        The document; with problems, without the keys that have them. None: too little is left.
    problems
        Every key that is unknown, missing or has a value of the wrong kind.
    sections
        The outermost keys of these.
    """

    form: ApplicationForm | None
    problems: tuple[DescriptionError, ...] = ()
    sections: frozenset[str] = frozenset()


def may_follow(error: DescriptionError, problems: Sequence[DescriptionError]) -> bool:
    """Return whether an error may be a consequence of a known one, at this key or around it."""
    keys = [found.key for found in problems]
    return any(_within(error.key, key) or _within(key, error.key) for key in keys)


def inspect(document: Document) -> Validated:
    """Check a document against the form, and keep what is right in it."""
    try:
        return Validated(application_form().model_validate(document.value))
    except ValidationError as error:
        guide = Guide()
        items = error.errors(include_url=False)
    translated = [_translated(document, guide, i) for i in items if not _follows(i, items)]
    found = sorted({str(item): item for item in translated}.values(), key=_line)
    left = copy.deepcopy(document.value)
    for item in items:
        _take_out(left, tuple(item["loc"]), missing=item["type"] == "missing")
    sections = frozenset(str(item["loc"][0]) for item in items if item["loc"])
    try:
        return Validated(application_form().model_validate(left), tuple(found), sections)
    except ValidationError:
        return Validated(None, tuple(found), sections)


def _take_out(value: Any, key: Key, *, missing: bool) -> None:
    """Remove what is wrong, or put something in the place of what is missing."""
    inner = value
    for place, step in enumerate(key):
        if not isinstance(inner, dict):  # an entry of a list: the whole list is left out already
            return
        if place == len(key) - 1 and (missing or step in STAND_INS):
            need = NEED_MISSING if key[0] == "needs" and place == 1 else None
            stand_in = STAND_INS.get(str(step), need)
            if stand_in is not None:
                inner[step] = stand_in
            return
        if not isinstance(inner.get(step), dict):
            inner.pop(step, None)
            return
        inner = inner[step]


def _within(key: str, outer: str) -> bool:
    return key == outer or key.startswith((f"{outer}.", f"{outer}["))


def _line(item: DescriptionError) -> int:
    line = item.where.rpartition(":")[2]
    return int(line) if line.isdigit() else 0


def _follows(item: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a list is only too short because its entries are wrong."""
    here = item["loc"]
    inside = (len(i["loc"]) > len(here) and i["loc"][: len(here)] == here for i in items)
    return item["type"] == "too_short" and any(inside)


def _translated(document: Document, guide: Guide, item: Mapping[str, Any]) -> DescriptionError:
    key: Key = tuple(item["loc"])
    kind, context = item["type"], item.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown(document, guide, key)
    if kind == "missing":
        name = str(key[-1])
        return problem(
            document,
            key,
            "this key is missing",
            expected=guide.about(key),
            advice=f"add `{name}: ...`" + (" under " + dotted(key[:-1]) if key[:-1] else ""),
        )
    given = document.at(key)
    if kind in ("literal_error", "enum"):
        valid = [str(v) for v in guide.at(key).get("enum") or [guide.at(key).get("const")]]
        what = "this value is not known"
        advice = choice(str(given), valid)
        return problem(document, key, what, expected="one of " + ", ".join(valid), advice=advice)
    if given is None:
        return problem(
            document,
            key,
            "this key has no value",
            expected=guide.about(key),
            given="nothing",
            advice="write a value after the colon, or leave the key out",
        )
    what, advice = _wrong(kind, {"message": item["msg"], **context}, given)
    return problem(document, key, what, expected=guide.about(key), advice=advice)


def _unknown(document: Document, guide: Guide, key: Key) -> DescriptionError:
    valid = guide.keys(key[:-1])
    return problem(
        document,
        key,
        "there is no such key",
        expected="one of " + ", ".join(valid),
        given=str(key[-1]),
        advice=_unquoted(document, key)
        or _misplaced(guide, key)
        or nearest(str(key[-1]), valid)
        or "leave it out",
    )


def _misplaced(guide: Guide, key: Key) -> str:
    """Say where a key belongs that stands elsewhere in the file, if that is one place."""
    below = [(), *((section,) for section in guide.keys(()))]
    places = [place for place in below if str(key[-1]) in guide.keys(place)]
    if len(places) != 1 or places[0] == key[:-1]:
        return ""
    is_now = f"below {dotted(key[:-1])}" if key[:-1] else "at the top"
    right = f"below `{places[0][0]}:`" if places[0] else "at the top of the file, not indented"
    return f"write it {right}; here it stands {is_now}"


def _unquoted(document: Document, key: Key) -> str:
    """Give advice where a comma cut a sentence in braces: `{reason: names, and addresses}`."""
    siblings = document.at(key[:-1])
    if not isinstance(siblings, dict) or document.at(key) is not None:
        return ""
    before = list(siblings)[: list(siblings).index(key[-1])]
    said = next((name for name in reversed(before) if siblings[name] is not None), "")
    if not said or document.where((*key[:-1], said)) != document.where(key):
        return ""
    words = [siblings[said], *before[before.index(said) + 1 :], key[-1]]
    return f"put the sentence in quotes: {said}: {shortened(', '.join(map(str, words)))!r}"


_WANTED = {
    "string_type": ("text", "put the value in quotes"),
    "int_type": ("a whole number", "write a number without quotes"),
    "int_parsing": ("a whole number", "write a number such as 10"),
    "int_from_float": ("a whole number", "write a number without a decimal point"),
    "float_type": ("a number", "write a number such as 0.05"),
    "finite_number": ("a finite number", "leave it out if there is no bound"),
    "float_parsing": ("a number", "write a number such as 0.05"),
    "bool_type": ("true or false", "write true or false"),
    "bool_parsing": ("true or false", "write true or false"),
    "tuple_type": ("a list", "write it in brackets: [one, two]"),
    "list_type": ("a list", "write it in brackets: [one, two]"),
    "model_type": ("a mapping", "write `key: value` lines, indented below this key"),
    "dict_type": ("a mapping", "write `key: value` lines, indented below this key"),
}
_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}


def _wrong(kind: str, context: Mapping[str, Any], given: Any) -> tuple[str, str]:
    if kind == "not_assessed":
        what, _, advice = str(context["message"]).partition("; ")
        return what, advice
    if kind in _WANTED:
        wanted, advice = _WANTED[kind]
        return f"this must be {wanted}, not {_article(kind_of(given))}", advice
    if kind in _BOUNDS:
        words, name = _BOUNDS[kind]
        return f"this number must be {words} {context[name]:g}", "change the number"
    if kind == "string_too_short":
        least = context["min_length"]
        empty = f"this needs at least {least} characters"
        return empty, "write it out"
    if kind == "string_too_long":
        return f"this may have at most {context['max_length']} characters", "shorten it"
    if kind == "too_short":
        return f"this list needs at least {context['min_length']} entries", "add the missing ones"
    if kind == "string_pattern_mismatch":
        return "this is not a SHA-256 hash: 64 digits from 0-9 and a-f", "print it: sha256sum FILE"
    return f"this value cannot be used ({kind.replace('_', ' ')})", "see the schema of this key"


def _article(kind: str) -> str:
    return kind if kind in ("text", "true or false") else f"a {kind}"
