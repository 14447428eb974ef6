"""The whole form of an application file: with what the kinds of models add to it."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

from pydantic import Field, create_model

from goalkeeper.describe.form import ApplicationForm, ModelForm
from goalkeeper.describe.kinds import KeyKind, any_of, built_kinds, file_kinds, target_kinds


def key_kinds() -> dict[str, KeyKind]:
    """Map each key under `model` that belongs to one kind to this kind.

    A kind whose key is taken is left out with a warning: only a plug-in can be such a kind.
    """
    found: dict[str, KeyKind] = {}
    for name, kind in target_kinds().items():
        if not isinstance(kind, KeyKind):
            continue
        if kind.key in found or kind.key in ModelForm.model_fields:
            warnings.warn(f"the kind {name} was left out: model.{kind.key} is taken", stacklevel=2)
            continue
        found[kind.key] = kind
    return found


def model_keys() -> tuple[str, ...]:
    """List the keys under `model` of which exactly one names the model."""
    return ("build", "file", *key_kinds())


@cache
def application_form() -> type[ApplicationForm]:
    """Return the form with the keys and the words of every kind of model that is installed."""
    keys = any_of(model_keys(), "and")
    fields: dict[str, Any] = {
        key: (
            kind.value_type | None,
            Field(default=None, description=kind.about, **_text(kind)),
        )
        for key, kind in key_kinds().items()
    }
    model = create_model(
        "ModelForm",
        __base__=ModelForm,
        __doc__=f"The model: exactly one of {keys}.",
        build=(str | None, Field(default=None, description=_build_words())),
        file=(str | None, Field(default=None, min_length=1, description=_file_words())),
        **fields,
    )
    return create_model(
        "ApplicationForm",
        __base__=ApplicationForm,
        __doc__=ApplicationForm.__doc__,
        model=(model, Field(description=f"the model: one of {keys}")),
    )


def _text(kind: KeyKind) -> dict[str, Any]:
    return {"min_length": 1} if kind.value_type is str else {}


def _build_words() -> str:
    about = any_of(kind.about for kind in built_kinds().values())
    return (
        f"Python function `file.py:name` that returns {about}; goalkeeper trains it, and retrains "
        "it when an attack needs that"
    )


def _file_words() -> str:
    about = any_of(
        kind.about + " (needs trust, sha256)" * kind.runs_code for kind in file_kinds().values()
    )
    return f"file or folder with a trained model: {about}; the content decides which it is"
