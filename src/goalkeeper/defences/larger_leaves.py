"""Train trees whose leaves hold more records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from goalkeeper.core.application import Application
from goalkeeper.core.errors import TargetError
from goalkeeper.core.goals import Goal
from goalkeeper.defences._training import (
    NO_RECIPE,
    parameter_named,
    parameter_value,
    retrained,
    with_settings,
)
from goalkeeper.defences.base import RETRAINED, Defence, Settings

# What libraries call the least number of records of a leaf. XGBoost counts second derivatives,
# which are at most a quarter a record for two classes.
LEAF_KEYS = ("min_samples_leaf", "min_child_samples", "min_data_in_leaf", "min_child_weight")


class LeafSettings(Settings):
    """How large leaves must be."""

    records: int = Field(default=20, ge=2, description="least number of records of a leaf")


class LargerLeaves(Defence[LeafSettings]):
    """A leaf that holds many records says little of each."""

    about: ClassVar[str] = "train trees whose leaves hold more records, so that none stands alone"
    works: ClassVar[str] = "leaves hold few records now, as those of forests usually do"
    price: ClassVar[str] = "rare cases are recognised less well"
    adaptive: ClassVar[str] = RETRAINED
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.PRIVACY})
    families: ClassVar[frozenset[str]] = frozenset({
        "membership", "attribute", "inversion", "artefact_leak",
    })  # fmt: skip
    settings: ClassVar[type[LeafSettings]] = LeafSettings

    def lacks(self, app: Application) -> str:
        """Need trees with a least size of leaves."""
        if app.trainer is None:
            return NO_RECIPE
        if not parameter_named(app, LEAF_KEYS):
            return "its recipe trains no trees that are known here"
        return "" if self.candidates(app) else "its leaves are larger already"

    def candidates(self, app: Application) -> Sequence[LeafSettings]:
        """Try two sizes above that of the recipe."""
        own = _own(app)
        return tuple(LeafSettings(records=records) for records in (20, 100) if records > own)

    def apply(self, app: Application, settings: LeafSettings) -> Application:
        """Train again."""
        key = parameter_named(app, LEAF_KEYS)
        if settings.records <= _own(app):
            raise TargetError(f"its leaves hold at least {_own(app):g} records already")
        least = settings.records / 4 if key.endswith("min_child_weight") else settings.records
        return retrained(app, with_settings(app, {key: least}))


def _own(app: Application) -> float:
    """Return the least size of leaves of the recipe; what it does not say is one record."""
    own = parameter_value(app, parameter_named(app, LEAF_KEYS))
    # A share below 1 is of the training records.
    return own * len(app.data.train) if 0 < own < 1 else own
