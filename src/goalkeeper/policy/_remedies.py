"""What helps against a family of attacks, by variant and kind of input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from goalkeeper.core.need import Frozen
from goalkeeper.policy._files import check_name
from goalkeeper.policy._sentences import InputKind

# What an attack used: questions to a model that the attacker does not have; answers with more than
# a class; the model itself; stored inputs of others; or the position of somebody who works on the
# application, or of somebody outside who adds to its training data.
Use = Literal["questions", "scores", "model", "stored", "position", "contributions"]
RemedyRow = tuple[str, str, tuple[str, ...], tuple[str, ...]]


class Remedy(Frozen):
    """A defence and why it helps; empty `variants` or `inputs`: against all, for all.

    `tries` names the defences that goalkeeper can apply and measure. `against` says what an attack
    must have used for it to have an effect; empty: it may have an effect on any.
    """

    defence: str
    reason: str
    variants: tuple[str, ...] = ()
    inputs: tuple[InputKind, ...] = ()
    tries: tuple[str, ...] = ()
    against: tuple[Use, ...] = ()


def check_remedies(
    remedies: Mapping[str, Sequence[Remedy]], families: Mapping[str, Sequence[str]], where: str
) -> None:
    """Refuse remedies against families or variants that do not exist, with a PolicyError."""
    for family, listed in remedies.items():
        check_name(family, families, f"{where}: remedies")
        for remedy in listed:
            for variant in remedy.variants:
                check_name(variant, families[family], f"{where}: remedies.{family}.variants")


def remedies_for(
    remedies: Mapping[str, Sequence[Remedy]], variant: str, kind: str
) -> tuple[Remedy, ...]:
    """List what helps against a variant with a kind of input, the most effective first."""
    family, _, name = variant.partition(".")
    return tuple(
        remedy
        for remedy in remedies.get(family, ())
        if name in (remedy.variants or (name,)) and kind in (remedy.inputs or (kind,))
    )
