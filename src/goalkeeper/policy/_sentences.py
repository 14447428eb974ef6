"""The sentences of the taxonomy: what an attack of a variant did, in words for everybody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from goalkeeper.core.errors import PolicyError
from goalkeeper.core.wording import PLACEHOLDERS, placeholders_of
from goalkeeper.policy._files import check_name, nearest

InputKind = Literal["text", "table", "image"]
ByKind = dict[InputKind, str]
SentenceEntry = str | dict[str, str | ByKind]


def check_sentences(
    sentences: Mapping[str, SentenceEntry], variants: Iterable[str], where: str
) -> None:
    """Refuse sentences of unknown variants, and what nothing is filled in for.

    Raises
    ------
    PolicyError
        The message names the key, and what was meant.
    """
    known = list(variants)
    for variant, entry in sentences.items():
        check_name(variant, known, f"{where}: sentences")
        for task, kind, template in _templates(entry):
            key = ".".join(filter(None, (variant, task, kind)))
            _check_template(template, f"{where}: sentences.{key}")


def _check_template(template: str, where: str) -> None:
    try:
        names = list(placeholders_of(template))
    except ValueError as error:
        raise PolicyError(f"{where}: {error}; given: {template!r}") from error
    for name in names:
        if name not in PLACEHOLDERS:
            raise PolicyError(
                f"{where}: {{{name}}} stands for nothing; {nearest(name, PLACEHOLDERS)}"
            )
    if not template.endswith("."):
        raise PolicyError(
            f"{where}: must be a whole sentence with a full stop; given: {template!r}"
        )


def _templates(entry: SentenceEntry) -> Iterable[tuple[str, str, str]]:
    """List the templates of an entry as (task, kind of input, template)."""
    for task, found in ({"": entry} if isinstance(entry, str) else entry).items():
        if isinstance(found, str):
            yield task, "", found
        else:
            yield from ((task, kind, template) for kind, template in found.items())


def sentences_for(sentences: Mapping[str, SentenceEntry], kind: str) -> dict[str, dict[str, str]]:
    """Return by variant, and by how the names of tasks begin, the templates for a kind of input."""
    return {
        variant: {
            task: template for task, of_kind, template in _templates(entry) if of_kind in ("", kind)
        }
        for variant, entry in sentences.items()
    }
