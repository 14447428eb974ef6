"""Class averages from gradients: change an input until the model is sure of the class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.domain import ImageDomain, TextDomain
from goalkeeper.core.errors import MissingExtra, NotOffered
from goalkeeper.core.power import Budget
from goalkeeper.games.inversion import ClassAverages, Inversion, InversionQuestion, centre_and_width


@final
@dataclass(frozen=True, kw_only=True)
class ClassAverageFromGradients(Attack[InversionQuestion, ClassAverages]):
    """Descend on the cross-entropy of each class, with a prior that pulls to the middle.

    All classes, and several noisy starts of each, are one batch; starts are averaged, so that
    what is peculiar to one start cancels.

    Settings
    --------
    steps, rate
        Steps of Adam, and its rate as a share of each column's range.
    starts
        Noisy starts for each class.
    noise
        Spread of the starts around the middle, as a share of the range.
    prior
        Weight of the squared distance from the middle, in ranges.
    smooth
        Weight of the squared differences of neighbouring pixels, for images.

    Deviations from the source: Adam in place of plain descent; many starts, averaged; the prior
    and the smoothness of the general form AUXTERM and PROCESS are penalties.
    """

    game: ClassVar[type[Inversion]] = Inversion
    variant: ClassVar[str] = "inversion.gradient_based"
    reference: ClassVar[str] = (
        "Fredrikson et al.: Model Inversion Attacks that Exploit Confidence Information (CCS "
        "2015), algorithm 1 (MI-Face)"
    )
    domains: ClassVar[frozenset[str]] = frozenset({"table", "image"})
    most: ClassVar[Budget] = Budget(compute_h=1.0)  # no question is asked
    steps: int = 60
    rate: float = 0.02
    starts: int = 8
    noise: float = 0.1
    prior: float = 0.1
    smooth: float = 0.0

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse models without gradients."""
        build = getattr(app.target, "network", None)
        if build is None:
            return Unfit("the model has no differentiable form")
        try:
            build(lambda forward, backward: None)
        except (NotOffered, MissingExtra) as error:
            return Unfit(f"the attack needs gradients: {error}")
        return None

    def run(self, question: InversionQuestion, access: Access) -> ClassAverages:
        """Descend, and average the starts of each class."""
        import torch

        domain = access.domain
        if isinstance(domain, TextDomain):
            raise NotOffered("texts have no gradients")
        network = access.network()
        classes = len(access.classes)
        shape = domain.shape if isinstance(domain, ImageDomain) else (len(domain.columns),)
        ends = [
            torch.as_tensor(end.reshape(shape), dtype=torch.float32)
            for end in centre_and_width(domain)
        ]
        centre, width = ends
        drawn = access.rng.normal(size=(classes * self.starts, *shape)) * self.noise
        away = torch.tensor(np.clip(drawn, -0.5, 0.5), dtype=torch.float32, requires_grad=True)
        wanted = torch.arange(classes).repeat_interleave(self.starts)
        adam = torch.optim.Adam([away], lr=self.rate)
        for _ in range(self.steps):
            adam.zero_grad()
            loss = torch.nn.functional.cross_entropy(
                network(centre + width * away), wanted, reduction="sum"
            )
            penalty = self.prior * (away**2).sum()
            if self.smooth and isinstance(domain, ImageDomain):
                across = (away.diff(dim=-1) ** 2).sum() + (away.diff(dim=-2) ** 2).sum()
                penalty = penalty + self.smooth * across
            (loss + penalty).backward()
            adam.step()
            with torch.no_grad():
                away.clamp_(-0.5, 0.5)
        mean = away.detach().reshape(classes, self.starts, -1).mean(dim=1)
        found = centre.reshape(-1) + width.reshape(-1) * mean
        return ClassAverages(found.numpy().astype(np.float64))
