"""What this machine computes with: device, precision, processes and memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from goalkeeper.core.errors import DescriptionError

__all__ = [
    "ComputeSettings",
]

Precision = Literal["full", "fast"]
PRECISIONS: tuple[Precision, ...] = ("full", "fast")
MEMORY = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Networks:
    """How networks lie in memory and multiply on this machine, as it was measured.

    Parameters
    ----------
    channels_last
        Whether the channels of images lie side by side.
    half
        Whether trainings multiply in bfloat16; answers are computed in float32 all the same.
    """

    channels_last: bool = False
    half: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeSettings:
    """How trainings and answers are computed; what they compute is not decided here.

    Parameters
    ----------
    device
        Where networks compute: `cpu`, `cuda`, `cuda:N`, or `auto` for a GPU where there is one.
        Everything else computes on the CPU.
    precision
        `full`: as the ordinary counterpart does (float64 for scikit-learn, float32 for torch).
        `fast`: float32 for naive Bayes and logistic regression, whose scores stay within 1e-4 of
        those of `full`; bfloat16 for training networks, where it is measured to be faster.
    jobs
        Processes that share one training of many models, each with one thread.
    memory
        Bytes that the answers of many models may take at a time.
    store
        Folder of the store in which long trainings are kept; empty for none.
    service
        Folder in which is kept what a service was asked and answered; empty for none.
    networks
        How networks are computed; None until it is measured.
    """

    device: str = "cpu"
    precision: Precision = "full"
    jobs: int = 1
    memory: int = MEMORY
    store: str = ""
    service: str = ""
    networks: Networks | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant; whether the device is there is checked by torch."""
        kind, _, number = self.device.partition(":")
        numbered = kind == "cuda" and number.isdigit()
        if self.device not in ("cpu", "cuda", "auto") and not numbered:
            raise DescriptionError(
                "there is no such device",
                key="--device",
                expected="auto, cpu, cuda or cuda:N",
                given=self.device,
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
        """What decides results beyond their last digits: kind of device, and precision."""
        half = self.networks is not None and self.networks.half
        return self.device.partition(":")[0], "half" if half else self.precision
