"""How well the model, as goalkeeper sees it, fits the labelled data; and what the user expects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from goalkeeper.core.data import Data
from goalkeeper.core.need import Frozen
from goalkeeper.core.numbers import Real

__all__ = [
    "AccuracyEstimate",
    "ClassRecall",
    "ExampleRecord",
    "Expectation",
    "FitCause",
    "FitReport",
]

Fit = Literal["fit", "doubt", "contradiction"]


class AccuracyEstimate(Frozen):
    """A share of right answers with its exact two-sided 95 % interval."""

    value: Real
    low: Real
    high: Real
    n: int


class ClassRecall(Frozen):
    """How many unseen records of one class are answered right; `accuracy` is None without any."""

    name: str
    accuracy: AccuracyEstimate | None = None


class ExampleRecord(Frozen):
    """An unseen record, in short, with its class and the answer of the model."""

    record: str
    label: str
    answer: str


class FitCause(Frozen):
    """What explains the misfit: with it, the model reaches `accuracy` on unseen records."""

    cause: str
    accuracy: Real
    remedy: str


class FitReport(Frozen):
    """What the model answers to labelled records, and whether it can be the user's model.

    `holdout` is measured on the records of the holdout and the calibration part, which the model
    never saw. `majority` is the share among them of the most frequent class of the training data;
    `reference` the accuracy on them of a simple model that was trained on the same training data.
    """

    fit: Fit
    train: AccuracyEstimate
    holdout: AccuracyEstimate
    majority: Real
    majority_class: str
    reference: Real | None = None
    reference_model: str = ""
    recall: tuple[ClassRecall, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = Field(
        default=(), description="unseen records by class (rows) and answer (columns)"
    )
    examples: tuple[ExampleRecord, ...] = Field(default=(), description="private: records as such")
    reasons: tuple[str, ...] = ()
    causes: tuple[FitCause, ...] = ()
    notes: tuple[str, ...] = ()
    expects: str = Field(default="", description="what the user expects; empty: nothing was said")
    confirmed: bool = Field(default=False, description="whether what the user expects was found")

    @property
    def doubtful(self) -> bool:
        """Whether nothing that was withstood may count: it may not be the user's model."""
        return self.fit != "fit"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Expectation:
    """What the user knows of the model: its accuracy, or its answers to some inputs.

    Parameters
    ----------
    accuracy
        Share of right answers; None: not said.
    on
        `holdout` (records that the model never saw) or `train`.
    known
        Inputs with the answers that the user's own system gave, as `y`; None: not given.
    source
        Name of the file with the answers.
    """

    accuracy: float | None = None
    part: Literal["holdout", "train"] = "holdout"
    known: Data | None = None
    source: str = ""
