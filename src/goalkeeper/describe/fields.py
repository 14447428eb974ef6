"""Kinds of values in an application file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from goalkeeper.describe.document import as_text


def _name(value: Any) -> Any:
    return value if value is None else as_text(value)


def _listed(value: Any) -> Any:
    return value if value is None or isinstance(value, list) else [value]


def shorthand(key: str) -> Callable[[dict[str, Any]], None]:
    """Let the schema of an object also accept a bare value, which stands for one of its keys."""

    def extend(schema: dict[str, Any]) -> None:
        full = dict(schema)
        schema.clear()
        schema["anyOf"] = [{"type": "string"}, full]
        schema["description"] = f"{full.pop('description', '')} A bare text stands for `{key}`."

    return extend


Name = Annotated[
    str,
    BeforeValidator(_name),
    Field(min_length=1),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]
Names = Annotated[
    tuple[Name, ...],
    BeforeValidator(_listed),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": ["string", "number", "boolean"]},
                {"type": "array", "items": {"type": ["string", "number", "boolean"]}},
            ]
        }
    ),
]
Reason = Annotated[str, Field(min_length=3)]
Spending = Annotated[
    float,
    BeforeValidator(lambda value: float("inf") if value == "unlimited" else value),
    Field(ge=0),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, {"const": "unlimited"}]}),
]
Share = Annotated[float, Field(gt=0, lt=1)]
LevelName = Annotated[
    Literal["none", "normal", "high", "very high"],
    BeforeValidator(lambda value: "very high" if value == "very_high" else value),
]
GradeName = Literal["none", "partial", "full"]
CapabilityName = Literal["T1", "T2", "T3", "T4", "M1", "M2", "M3", "M4", "W", "O"]
ViewName = Literal["nothing", "labels", "scores", "logits", "gradients"]


class Section(BaseModel):
    """A part of the file: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True)
