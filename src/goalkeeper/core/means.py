"""What this machine computes with: device, precision, processes and memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from goalkeeper.core.errors import DescriptionError

PRECISIONS: tuple[Literal["full", "fast"], ...] = ("full", "fast")
MEMORY = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """How trainings and answers are computed; what they compute is not decided here.

    Parameters
    ----------
    device
        Where networks compute: `cpu`, `cuda` or `cuda:N`. Everything else computes on the CPU.
    precision
        `full`: as the ordinary counterpart does (float64 for scikit-learn, float32 for torch).
        `fast`: float32 for naive Bayes and logistic regression, whose scores stay within 1e-4 of
        those of `full`.
    jobs
        Processes that share one training of many models, each with one thread.
    memory
        Bytes that the answers of many models may take at a time.
    """

    device: str = "cpu"
    precision: Literal["full", "fast"] = "full"
    jobs: int = 1
    memory: int = MEMORY

    def __post_init__(self) -> None:
        """Refuse what cannot be meant; whether the device is there is checked by torch."""
        kind, _, number = self.device.partition(":")
        if kind not in ("cpu", "cuda") or (number and not number.isdigit()):
            raise DescriptionError(
                "there is no such device", expected="cpu, cuda or cuda:N", given=self.device
            )
        if self.precision not in PRECISIONS:
            raise DescriptionError(
                "there is no such precision", expected="full or fast", given=self.precision
            )
        if self.jobs < 1 or self.memory < 1:
            raise DescriptionError(
                "processes and memory must be at least 1",
                expected="whole numbers from 1",
                given=f"jobs={self.jobs}, memory={self.memory}",
            )

    @property
    def arithmetic(self) -> tuple[str, str]:
        """What decides results in their last digits: the kind of device, and the precision."""
        return self.device.partition(":")[0], self.precision
