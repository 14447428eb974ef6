"""Applications that leak: the goal concerned must not be met.

Models that keep or learn by heart their training data leak it to whoever holds them (privacy);
networks whose gradients are hidden are as easily fooled as without that (integrity); a linear model
that answers with scores is copied by a few equations (confidentiality).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from torch import nn

from goalkeeper import Application, Goal
from goalkeeper.core.assessment import Verdict
from tests.validation.end_to_end import SECTION, Specimen, Verdicts
from tests.validation.rows import Row

# Kind of input, need and seed: all six, and four of them once more with other data.
CASES = (
    *((kind, need, 0) for kind, need in product(("table", "text", "image"), ("normal", "high"))),
    ("table", "normal", 1),
    ("table", "high", 1),
    ("text", "high", 1),
    ("image", "normal", 1),
)
# Words are exchanged without any gradient, so that none can be masked.
MASKED = (
    *((kind, need, seed) for kind, seed in (("image", 0), ("image", 1), ("image", 2), ("table", 0))
      for need in ("normal", "high")),
    ("table", "normal", 1),
    ("table", "high", 2),
)  # fmt: skip
# Share that is shown to leak, of all 60 and of the ten of one family: two or more of ten are missed
# in one of four draws where each is shown with 90 %, and a family would fail without being worse.
POWER, FAMILY_POWER = 0.9, 0.8
SIDE = 8  # pixels of an image
REGIONS = ("north", "east", "south", "west")
COMMON = np.array([f"common{i}" for i in range(300)])
TELLING = np.array([[f"{c}{i}" for i in range(60)] for c in "abcdefghijkl"])


@dataclass(frozen=True, kw_only=True)
class Leak:
    """What leaks, of which goal, and how the data are drawn.

    Parameters
    ----------
    text, goal
        What it is called, and the goal that is not met.
    train, test
        Records that it was trained on, and records that it never saw.
    classes, noise
        How many classes there are, and the share of wrong labels: whoever is right about those
        knows them by heart.
    """

    text: str
    goal: Goal
    train: int
    test: int
    classes: int
    noise: float


# ---- data ----------------------------------------------------------------------------------------


def draw_labels(n: int, leak: Leak, rng: np.random.Generator) -> tuple[Any, Any]:
    """Draw true classes, and the labels that the records have."""
    true = rng.integers(0, leak.classes, n)
    wrong = rng.random(n) < leak.noise
    return true, np.where(wrong, (true + rng.integers(1, leak.classes, n)) % leak.classes, true)


def draw_table(n: int, seed: int, leak: Leak, rng: np.random.Generator) -> tuple[Any, Any]:
    """Draw rows of numbers, or of the second seed a frame with words among them."""
    import pandas as pd

    width = 12 - 4 * seed
    centres = np.random.default_rng(seed).normal(size=(leak.classes, width))
    true, y = draw_labels(n, leak, rng)
    x = centres[true] + rng.normal(size=(n, width))
    if not seed:
        return x, y
    frame = pd.DataFrame(np.round(x, 2), columns=[f"x{i}" for i in range(width)])
    region = np.where(rng.random(n) < 0.5, true, rng.integers(0, len(REGIONS), n)) % len(REGIONS)
    return frame.assign(region=np.array(REGIONS, dtype=object)[region]), y


def draw_texts(n: int, seed: int, leak: Leak, rng: np.random.Generator) -> tuple[Any, Any]:
    """Draw messages of common words and of some that tell the class; longer ones of seed 1."""
    true, y = draw_labels(n, leak, rng)
    frequent = 1 / np.arange(1, len(COMMON) + 1)
    texts = []
    for c in true:
        words = [*rng.choice(COMMON, rng.integers(10, 25 + 15 * seed), p=frequent / frequent.sum())]
        words += [*rng.choice(TELLING[c], 3), *rng.choice(TELLING[rng.integers(leak.classes)], 2)]
        texts.append(" ".join(rng.permutation(words)))
    return np.array(texts, dtype=object), y


def draw_images(n: int, seed: int, leak: Leak, rng: np.random.Generator) -> tuple[Any, Any]:
    """Draw noisy images of a shape for each class."""
    shapes = np.random.default_rng(seed).random((leak.classes, SIDE, SIDE))
    true, y = draw_labels(n, leak, rng)
    x = 0.5 + 0.5 * (shapes[true] - 0.5) + rng.normal(scale=0.25, size=(n, SIDE, SIDE))
    return np.clip(x, 0, 1), y


DRAW: Mapping[str, Any] = {"table": draw_table, "text": draw_texts, "image": draw_images}


# ---- models --------------------------------------------------------------------------------------


def build_estimator(family: str, kind: str, seed: int) -> Any:
    """Return an estimator of scikit-learn that is not fitted."""
    if family == "linear":
        final: Any = LogisticRegression(C=10.0 if kind == "text" else 1.0, max_iter=500)
    elif family == "neighbour":
        final = KNeighborsClassifier(1)
    elif family == "tree":
        final = DecisionTreeClassifier(random_state=0)
    else:
        final = _boosted(kind, seed)
    if kind == "text":
        words = CountVectorizer() if family in ("tree", "boosted") else TfidfVectorizer()
        return make_pipeline(words, final)
    if kind == "table" and seed:
        codes = (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include=object))
        columns = ColumnTransformer([("codes", *codes)], remainder=StandardScaler())
        return make_pipeline(columns, final)
    return make_pipeline(StandardScaler(), final) if kind == "table" else final


def _boosted(kind: str, seed: int) -> Any:
    """Return boosted trees that grow until each record has a leaf of its own."""
    if seed or kind != "table":
        return GradientBoostingClassifier(
            n_estimators=4, max_depth=None, learning_rate=0.8, max_features="sqrt", random_state=0
        )
    return HistGradientBoostingClassifier(
        max_iter=50, max_leaf_nodes=None, min_samples_leaf=1, learning_rate=0.3, random_state=0
    )


def layers(inputs: int, width: int, classes: int) -> nn.Module:
    """Return an untrained network of torch with one hidden layer."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, classes)
    )


class Bag(nn.Module):
    """A network on the words of texts.

    Parameters
    ----------
    width, classes
        Size of the hidden layer, and number of classes.
    """

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.words = nn.EmbeddingBag(2000, width, padding_idx=0)
        self.last = nn.Linear(width, classes)

    def encode(self, texts: Any) -> Any:
        """Return numbers of words `(n, length)`."""
        rows = [[1 + zlib.crc32(w.encode()) % 1999 for w in text.split()] for text in texts]
        out = torch.zeros(len(rows), max([1, *map(len, rows)]), dtype=torch.long)
        for i, row in enumerate(rows):
            out[i, : len(row)] = torch.tensor(row, dtype=torch.long)
        return out

    def forward(self, numbers: Any) -> Any:
        """Return scores `(n, classes)`."""
        return self.last(torch.relu(self.words(numbers)))


class Masked(nn.Module):
    """A network whose gradients say nothing of how it is fooled.

    Parameters
    ----------
    inner
        A trained network.
    how
        0: scores that are 0 or 1 almost everywhere; 1: inputs rounded to a few values; 2: a
        gradient of zero.
    """

    def __init__(self, inner: nn.Module, how: int) -> None:
        super().__init__()
        # What no layer can draw again: there is no recipe, and only evasion is left to decide.
        self.inner, self.how, self.one = inner, how, nn.Parameter(torch.ones(1))

    def forward(self, x: Any) -> Any:
        """Return scores `(n, classes)`."""
        if self.how == 0:
            return torch.softmax(2000 * self.inner(x) * self.one, dim=1)
        if self.how == 1:
            return self.inner(torch.round(x * 8) / 8) * self.one
        return self.inner(x).detach() * self.one


def train_network(network: nn.Module, x: Any, y: Any) -> nn.Module:
    """Train a network of torch until it fits."""
    inputs, labels = torch.tensor(np.asarray(x), dtype=torch.float32), torch.tensor(y)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(150):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(inputs), labels).backward()
        optimiser.step()
    return network.eval()


# ---- applications --------------------------------------------------------------------------------


FAMILIES = {
    "neighbour": Leak(
        text="nearest neighbour", train=400, test=1200, classes=4, goal=Goal.PRIVACY, noise=0.35
    ),
    "tree": Leak(
        text="tree without limits", train=400, test=1200, classes=4, goal=Goal.PRIVACY, noise=0.35
    ),
    "boosted": Leak(
        text="boosted trees without limits",
        train=300,
        test=900,
        classes=2,
        goal=Goal.PRIVACY,
        noise=0.35,
    ),
    "network": Leak(
        text="overfit network", goal=Goal.PRIVACY, train=400, test=1800, classes=10, noise=0.5
    ),
    "masked": Leak(
        text="masked network", goal=Goal.INTEGRITY, train=400, test=600, classes=4, noise=0
    ),
    "linear": Leak(
        text="linear model behind scores",
        goal=Goal.CONFIDENTIALITY,
        train=500,
        test=900,
        classes=2,
        noise=0.02,
    ),
}


def build(specimen: Specimen, folder: Path) -> Application:
    """Make the application: the model, trained on its own declared data."""
    leak, seed = FAMILIES[specimen.family], int(specimen.name.rsplit("-", 1)[1])
    rng = np.random.default_rng(zlib.crc32(specimen.name.encode()))
    plain = specimen.kind == "table" and specimen.family in ("network", "masked")
    x, y = DRAW[specimen.kind](leak.train + leak.test, 0 if plain else seed, leak, rng)
    mine, others = slice(0, leak.train), slice(leak.train, None)
    options: dict[str, Any] = {"name": specimen.name, "needs": specimen.needs}
    model = make_model(specimen, seed, x[mine], y[mine])
    if specimen.family == "network":
        options["training"] = {"epochs": 100, "rate": 0.01, "batch": 100}
    return Application.from_model(model, x[mine], y[mine], x[others], y[others], **options)


def make_model(specimen: Specimen, seed: int, x: Any, y: Any) -> Any:
    """Return the model that learned of these inputs and classes, or what builds it."""
    family, kind, classes = specimen.family, specimen.kind, FAMILIES[specimen.family].classes
    rows = x.reshape(len(x), -1) if kind == "image" else x
    torch.manual_seed(seed)
    if family == "masked":
        return Masked(train_network(layers(rows.shape[1], 48, classes), rows, y), seed).eval()
    if family == "network":
        build = Bag if kind == "text" else partial(layers, rows.shape[1])
        return partial(build, 64 + 32 * seed, classes)
    return build_estimator(family, kind, seed).fit(rows, y)


def list_specimens(family: str) -> tuple[Specimen, ...]:
    """List the specimens of a family."""
    return tuple(
        Specimen(
            name=f"leaking-{family}-{kind}-{need}-{seed}",
            family=family,
            kind=kind,
            goals=(FAMILIES[family].goal,),
            need=need,
            build=build,
        )
        for kind, need, seed in (MASKED if family == "masked" else CASES)
    )


def _row(name: str, specimens: tuple[Specimen, ...], least: float) -> Row:
    return Row(
        section=SECTION,
        name=f"leaking, {name}",
        claim=f"not met in at least {100 * least:.0f} %, met in none",
        measure=Verdicts(
            specimens, expected=Verdict.NOT_MET, least=least, wrong=Verdict.MET, most=0.0
        ),
        full=len(specimens),
        about=("src/goalkeeper", "tests/validation/leaking.py"),
    )


SPECIMENS = {family: list_specimens(family) for family in FAMILIES}
ROWS = (
    *(_row(leak.text, SPECIMENS[family], FAMILY_POWER) for family, leak in FAMILIES.items()),
    _row("all", tuple(one for family in FAMILIES for one in SPECIMENS[family]), POWER),
)
