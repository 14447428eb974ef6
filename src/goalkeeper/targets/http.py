"""A model behind an HTTP service as a target."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from goalkeeper.core.application import Answers
from goalkeeper.core.data import Inputs
from goalkeeper.core.domain import Domain, TableDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View
from goalkeeper.core.stored_numbers import Stored
from goalkeeper.targets._http_service import ModelService, ServiceSettings
from goalkeeper.targets.answers import Declared
from goalkeeper.targets.python import PythonTarget


class HttpTarget:
    """A service that is asked over HTTP: labels, or scores where it gives one for every class.

    Parameters
    ----------
    settings
        Where the service is, what it takes and gives, and how it may be asked.
    classes
        The application's classes, in the order of lists of scores.
    domain
        What an input looks like.
    sample
        A few inputs `(m, ...)` to find out whether it gives labels or scores.
    declared
        What is known of its answers.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        classes: Sequence[str | int],
        domain: Domain,
        *,
        sample: Inputs,
        declared: Declared | None = None,
    ) -> None:
        self.service = ModelService(settings)
        self.domain = domain
        # Categories reach the service as words, not as the codes that stand for them here.
        given = replace(domain, named=True) if isinstance(domain, TableDomain) else domain
        ask = _Questions(self.service, given, tuple(str(name) for name in classes), "")
        self._ask = ask
        declared = replace(declared or Declared(), what=self.service.name)
        self._reader = PythonTarget(ask, classes, given, sample=sample, declared=declared)

    @property
    def offers(self) -> View:
        """Scores, or labels only."""
        return self._reader.offers

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`; raises TargetError where the service fails."""
        return self._reader.answer(x, view)

    def asked_again(self, occasion: str | None) -> HttpTarget:
        """Return the same target, whose answers are kept apart from those of other occasions.

        A question that is put again on purpose reaches the service once for each occasion, in all
        processes of a run; with None, it reaches the service every time.
        """
        reader = copy.copy(self._reader)
        reader.function = replace(self._ask, occasion=occasion)
        other = copy.copy(self)
        vars(other).update(_reader=reader, _ask=reader.function)
        return other

    def count_changed(self, x: Inputs) -> tuple[int, int]:
        """Ask inputs `(n, ...)` again; count the classes unlike those kept, and the inputs."""
        kept = self.answer(x, View.LABELS).labels
        now = self.asked_again(None).answer(x, View.LABELS).labels
        return int((kept != now).sum()), len(x)

    def measured_seconds(self) -> tuple[float, float]:
        """Seconds that an input takes among many, and alone, by what was asked so far."""
        return self.service.seconds

    def parameters(self) -> Mapping[str, Any]:
        """Refuse: a service does not show its parameters."""
        raise NotOffered(f"{self.service.name} has no parameters that can be read")

    def stored_numbers(self) -> Stored:
        """Refuse: a service does not show what it stores."""
        raise NotOffered(
            f"{self.service.name} is asked over HTTP, which shows none of its stored numbers"
        )

    def artefact(self) -> Path:
        """Refuse: a service does not show its file."""
        raise NotOffered(f"no stored file is known of {self.service.name}")


@dataclass(frozen=True, eq=False)
class _Questions:
    """The service as a function of a batch, for one occasion."""

    service: ModelService
    domain: Domain
    classes: tuple[str, ...]
    occasion: str | None

    def __call__(self, values: Any) -> Any:
        return self.service.answers(values, self.domain, self.classes, occasion=self.occasion)
