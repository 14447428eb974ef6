"""What helps against each variant of attack: a YAML file and its model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from goalkeeper.policy._files import read

FILE = Path(__file__).with_name("advice.yaml")


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class Remedy(BaseModel):
    """Something that helps against some variants of attack.

    `against` names variants as `family.variant`, `inputs` kinds of input (empty: all), and `tries`
    the defences that goalkeeper can apply and measure.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    against: tuple[str, ...] = Field(min_length=1)
    inputs: tuple[str, ...] = ()
    tries: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(default=(), alias="try")
    what: str

    def helps(self, variant: str, kind: str) -> bool:
        """Whether it is meant for a variant, on applications with this kind of input."""
        return variant in self.against and (not self.inputs or kind in self.inputs)


class _Advice(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    remedies: tuple[Remedy, ...]


@cache
def remedies() -> Sequence[Remedy]:
    """List all remedies, those with the largest expected effect first."""
    return read(_Advice, FILE)[0].remedies
