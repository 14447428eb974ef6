"""The one pixel attack: differential evolution of one pixel, then of a few."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypedDict, Unpack, final

import numpy as np

from goalkeeper.attacks.evasion._driver import (
    ON_PIXELS,
    EvasionAttack,
    Proposal,
    QueryResults,
    State,
    keep_rows,
    score_leads,
)
from goalkeeper.attacks.evasion._perturbed import Perturbed, key_streams
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.core.power import Budget
from goalkeeper.games.evasion import EvasionQuestion, Grid, PixelConstraint

DIFFERENTIAL_WEIGHT = 0.5  # of the difference of two candidates that is added to a third

Scores = Callable[[Floats], Floats]


@dataclass(frozen=True, eq=False, kw_only=True)
class Evolution(State):
    """The candidates of each input.

    x: the input `(a, ...)`. parents, children: `(a, p, pixels, 2 + channels)`, each gene in
    [0, 1]: row, column and values. fitness `(a, p)`: lead of the wanted answers in log scores;
    -inf before the first answers. wanted `(a, classes)`.
    """

    x: Floats
    wanted: Bools
    parents: Floats
    children: Floats
    fitness: Floats
    streams: Inputs
    constraint: PixelConstraint
    generation: int = 0


@final
@dataclass(frozen=True, kw_only=True)
class OnePixel(EvasionAttack[Evolution]):
    """Evolve the position and value of a pixel by the scores of the wanted answers.

    A child is a candidate plus half the difference of two others, and takes its parent's place
    if it scores better; there is no crossover. When all generations of one pixel have failed,
    as many pixels as are allowed are evolved together.

    Deviations: 50 candidates and 20 generations instead of 400 and 100, as queries are counted;
    values beyond the range become its ends; one pixel is tried before several.

    Parameters
    ----------
    population
        Candidates of an input.
    generations
        Generations of one pixel, and again of several.
    """

    variant = "evasion.score"
    reference = "Su, Vargas, Sakurai 2019, One pixel attack for fooling deep neural networks, TEVC"
    domains = frozenset({"image"})
    tasks = ON_PIXELS
    most = Budget(queries=2000)
    wide: ClassVar[int] = 50
    population: int = 50
    generations: int = 20

    def start(self, question: EvasionQuestion, streams: Inputs, access: Access) -> Evolution:
        """Draw the first candidates."""
        constraint = question.constraint
        if not isinstance(constraint, PixelConstraint):
            raise TypeError(
                f"this attack needs a limit on changed pixels, the constraint is {constraint!r}"
            )
        x = np.asarray(question.x, dtype=np.float64)
        return begin_evolution(x, question.goal.wanted, constraint, streams, self.population)

    def propose(self, state: Evolution) -> Proposal:
        """Ask about all children."""
        return Proposal(paint_children(state), np.ones(state.fitness.shape, dtype=bool))

    def update(self, state: Evolution, seen: QueryResults) -> Evolution:
        """Keep the better of parent and child, and breed."""
        return breed_children(state, seen.scores(), self.generations)


def begin_evolution(
    x: Floats, wanted: Bools, constraint: PixelConstraint, streams: Inputs, population: int
) -> Evolution:
    """Draw candidates of one pixel each for images `(a, c, h, w)`."""
    genes = (population, 1, 2 + x.shape[1])
    drawn = [stream.random(genes) for stream in streams]
    children = np.stack(drawn) if drawn else np.zeros((0, *genes))
    return Evolution(
        done=np.zeros(len(x), dtype=bool),
        x=x,
        wanted=wanted,
        parents=children,
        children=children,
        fitness=np.full((len(x), population), -np.inf),
        streams=streams,
        constraint=constraint,
    )


def paint_children(state: Evolution) -> Floats:
    """Paint the children's pixels into their images, `(a, p, c, h, w)`."""
    a, p = state.children.shape[:2]
    channels, height, width = state.x.shape[1:]
    grid = state.constraint.grid
    out = np.repeat(state.x[:, None], p, axis=1)
    who, which = np.arange(a)[:, None], np.arange(p)[None]
    for k in range(state.children.shape[2]):
        genes = state.children[:, :, k]
        row = np.minimum((genes[..., 0] * height).astype(int), height - 1)
        column = np.minimum((genes[..., 1] * width).astype(int), width - 1)
        for c in range(channels):
            value = grid.low + genes[..., 2 + c] * (grid.high - grid.low)
            out[who, which, c, row, column] = value
    before = np.repeat(state.x[:, None], p, axis=1)
    return np.asarray(state.constraint.quantise(before, out))


def breed_children(state: Evolution, scores: Floats, generations: int) -> Evolution:
    """Select by scores `(a, p, classes)`, and breed the next generation."""
    lead = score_leads(scores, state.wanted)
    better = lead > state.fitness
    parents = np.where(better[..., None, None], state.children, state.parents)
    state = replace(state, parents=parents, fitness=np.where(better, lead, state.fitness))
    generation = state.generation + 1
    if generation < generations:
        return replace(state, children=_mutate(state), generation=generation)
    allowed_pixels = state.constraint.pixels
    if state.parents.shape[2] >= allowed_pixels:
        return replace(state, done=np.ones(len(state.done), dtype=bool))
    shape = (state.fitness.shape[1], allowed_pixels - 1, state.parents.shape[3])
    added = np.stack([stream.random(shape) for stream in state.streams])
    children = np.concatenate([state.parents, added], axis=2)  # the best single pixels, and more
    nothing = np.full_like(state.fitness, -np.inf)
    return replace(state, parents=children, children=children, fitness=nothing, generation=0)


def _mutate(state: Evolution) -> Floats:
    """Add to a random parent half the difference of two others."""
    p = state.fitness.shape[1]
    out = np.empty_like(state.parents)
    for i, stream in enumerate(state.streams):
        first, second, third = stream.integers(0, p, (3, p))
        parents = state.parents[i]
        out[i] = parents[first] + DIFFERENTIAL_WEIGHT * (parents[second] - parents[third])
    out[..., :2] %= 1.0  # positions go round
    return np.clip(out, 0.0, 1.0)


class OnePixelOptions(TypedDict, total=False):
    """Options of `one_pixel`: how many pixels, where values may go, and settings."""

    pixels: int
    target: Any
    low: float
    high: float
    quantum: float
    population: int
    generations: int
    seed: int


def one_pixel(scores: Scores, x: Floats, y: Ints, **options: Unpack[OnePixelOptions]) -> Perturbed:
    """Change few pixels of images by their scores alone (Su et al. 2019).

    The algorithm is that of the attack `one_pixel`, without application, attacker or game. What it
    finds for an image depends on its content and the seed, not on the rest of the batch.

    Parameters
    ----------
    scores
        Gives the scores `(m, classes)` of images `(m, c, h, w)`.
    x, y
        Images `(n, c, h, w)` and their true classes `(n,)`.
    **options
        `pixels` (1); `target`, classes to reach `(n,)`; `low`, `high` and `quantum` of the values
        (0, 1 and 1/255); `population` and `generations` of the search; `seed`.

    Returns
    -------
    Perturbed
        The first changed images that have a wanted answer; where none was found, the images.
        The distance is the number of changed pixels.
    """
    constraint = PixelConstraint(
        pixels=options.get("pixels", 1),
        grid=Grid(
            low=options.get("low", 0.0),
            high=options.get("high", 1.0),
            quantum=options.get("quantum", 1 / 255),
        ),
    )
    out, rows = np.array(x, dtype=np.float64), np.arange(len(x))
    solved, spent = np.zeros(len(x), dtype=bool), np.zeros(len(x), dtype=np.int64)
    if not len(x):
        return Perturbed(points=out, success=solved, distance=np.zeros(0), passes=spent)
    target = options.get("target")
    classes = np.eye(scores(out[:1]).shape[1], dtype=bool)
    wanted = ~classes[y] if target is None else classes[target]
    population = options.get("population", OnePixel.population)
    streams = key_streams(out, options.get("seed", 0))
    state = begin_evolution(out.copy(), wanted, constraint, streams, population)
    while len(rows):
        points = paint_children(state)
        answers = scores(points.reshape(-1, *points.shape[2:]))
        answers = answers.reshape(*points.shape[:2], wanted.shape[1])
        hit = state.wanted[np.arange(len(rows))[:, None], answers.argmax(axis=2)]
        spent[rows] += points.shape[1]
        solved[rows] = hit.any(axis=1)
        for i in np.flatnonzero(hit.any(axis=1)):
            out[rows[i]] = points[i, int(hit[i].argmax())]
        generations = options.get("generations", OnePixel.generations)
        state = breed_children(state, answers, generations)
        keep = ~state.done & ~hit.any(axis=1)
        state, rows = keep_rows(state, keep), rows[keep]
    return Perturbed(points=out, success=solved, distance=constraint.size(x, out), passes=spent)
