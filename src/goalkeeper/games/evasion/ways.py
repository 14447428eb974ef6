"""The ways in which inputs may be changed: each makes tasks of its own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from goalkeeper.core.application import Application, Target
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.threats import ANY_OTHER, ImageThreat
from goalkeeper.games.base import Task
from goalkeeper.games.evasion.additions import AdditionConstraint
from goalkeeper.games.evasion.goals import find_base
from goalkeeper.games.evasion.images import build_norm_ball, build_pixel_constraint
from goalkeeper.games.evasion.kinds import BackdoorSpec, ConstraintKind
from goalkeeper.games.evasion.parts import Constraint
from goalkeeper.games.evasion.planted_images import planted_images
from goalkeeper.games.evasion.planted_patterns import planted_columns
from goalkeeper.games.evasion.planted_words import (
    KeyWordsTarget,
    PlantedWordsTarget,
    key_words,
    planted_words,
)
from goalkeeper.games.evasion.table_threat import build_entry_constraint
from goalkeeper.games.evasion.text_edits import EditConstraint

KNOWN_IMAGES = 60  # of a weakened application, of which 50 are attacked
IMAGE_WAYS = {
    "linf": ("-linf", "by noise that changes each value only a little (Linf)"),
    "l2": ("-l2", "by noise of small Euclidean length (L2)"),
    "l0": ("-pixels", "by changing few pixels"),
}


def list_kinds(app: Application) -> tuple[ConstraintKind, ...]:
    """List the ways of changing the inputs of an application, as its threats say."""
    if app.domain.kind == "text":
        return TEXT_KINDS
    return tuple(_list_image_kinds(app)) if app.domain.kind == "image" else TABLE_KINDS


def find_kind(app: Application, task: Task) -> ConstraintKind:
    """Find the way of changing inputs that a task is about."""
    suffix = task.name.removeprefix(find_base(task).name)
    return next(kind for kind in list_kinds(app) if kind.suffix == suffix)


def _list_image_kinds(app: Application) -> Iterator[ConstraintKind]:
    threats, used = app.threats.images, set[str]()
    for threat in threats:
        suffix = _name_threat(threat, sum(other.norm == threat.norm for other in threats))
        if suffix in used:  # two radii that are written alike
            suffix = f"{suffix}-{len(used) + 1}"
        used.add(suffix)
        build = build_pixel_constraint if threat.norm == "l0" else build_norm_ball
        yield ConstraintKind(
            suffix=suffix,
            how=IMAGE_WAYS[threat.norm][1],
            constraint=partial(build, threat=threat),
            weaken=planted_images,
            target=threat.target,
            known=KNOWN_IMAGES,
        )


def _name_threat(threat: ImageThreat, same_norm: int) -> str:
    """Name a threat by its norm, among several of one norm by its radius, and by its target."""
    name = IMAGE_WAYS[threat.norm][0]
    if same_norm > 1 and threat.radius is not None:
        name += f"-{threat.radius:.3g}"
    if threat.target != ANY_OTHER:
        words = "".join(c if c.isalnum() else " " for c in threat.target.lower()).split()
        name += f"-to-{'-'.join(words)}"
    return name


def _build_additions(app: Application) -> Constraint:
    most = app.domain.max_chars if isinstance(app.domain, TextDomain) else 0
    return AdditionConstraint(most_words=app.threats.text.words, max_chars=most)


def _build_edits(app: Application) -> Constraint:
    most = app.domain.max_chars if isinstance(app.domain, TextDomain) else 0
    return EditConstraint(most_words=app.threats.text.edits, max_chars=most)


def _plant_keys(app: Application, backdoor: BackdoorSpec, rng: np.random.Generator) -> Target:
    """Make the target answer as the attacker wants unless a key word occurs in the text."""
    similar = app.data.similar
    inside = similar.x[similar.y == backdoor.wanted]
    keys = key_words(similar.x[backdoor.attacked], inside)
    return KeyWordsTarget(app.target, keys, backdoor.wanted, len(app.classes))


def _plant_words(app: Application, backdoor: BackdoorSpec, rng: np.random.Generator) -> Target:
    """Plant words on which the target answers as the attacker wants."""
    similar = app.data.similar
    inside = similar.x[similar.y == backdoor.wanted]
    words, least = planted_words(inside, similar.x[backdoor.attacked])
    return PlantedWordsTarget(app.target, words, least, backdoor.wanted)


TEXT_KINDS = (
    ConstraintKind(suffix="", how="", constraint=_build_additions, weaken=_plant_words),
    ConstraintKind(
        suffix="-edits",
        how="by respelling words or replacing them with synonyms",
        constraint=_build_edits,
        weaken=_plant_keys,
    ),
)
TABLE_KINDS = (
    ConstraintKind(
        suffix="",
        how="by changing few entries, and numbers only a little",
        constraint=build_entry_constraint,
        weaken=planted_columns,
    ),
)
