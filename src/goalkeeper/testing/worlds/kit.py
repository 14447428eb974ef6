"""The kit of rigged and fair worlds: records of each kind of input, fixed rules, batch trainers."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from goalkeeper.core.application import Answers, Application, Ensemble, Target
from goalkeeper.core.data import PARTS, Bools, Data, Floats, Inputs, Ints, Splits, row_keys
from goalkeeper.core.domain import Column, Domain, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.power import View
from goalkeeper.core.text import texts
from goalkeeper.games.shared.base_targets import BareTarget
from goalkeeper.targets import PythonTarget

CLASSES = ("harmless", "harmful")
# Words of everyday messages: the vocabulary of the small text applications.
WORDS = tuple(
    """
    about after again all also always and answer any ask back because been before best better book
    both bring business buy call can change check come could day days different does done down
    early easy else end enough even ever every family far few find first food for free friend from
    full get give going good great group had hand happy hard have hear help here home hope hour
    house how idea important into just keep kind know large last late learn leave less let letter
    life like line list little live long look lot love made mail main make many matter mean meet
    message might mind money month more morning most move much must name need never new news next
    nice night not nothing number offer often old once only open order other our out over own page
    part past pay people person phone place plan play point possible present price problem public
    question quick read ready real reason right room run same save say school see seem sell send
    service set several she short show side since small some soon start state still stop story
    such sure system table take talk tell than thank that their them then there these thing think
    this those thought three through time today together took try turn two under until use very
    wait walk want watch water way week well went were what when where which while who why will
    with word work world would write year yes yet you young your
    """.split()  # noqa: SIM905 - a list of words reads best as a text
)

# ---- records of a kind ---------------------------------------------------------------------------


def splits(draw: Callable[[], Data]) -> Splits:
    """Draw the four parts, one after the other."""
    return Splits(**{part: draw() for part in PARTS})


def numbers(
    count: int, low: float = -np.inf, high: float = np.inf, prefix: str = "c"
) -> tuple[Column, ...]:
    """Name columns of numbers between two bounds: c0, c1, ..."""
    return tuple(Column(name=f"{prefix}{i}", low=low, high=high) for i in range(count))


def domain_of(
    kind: str,
    columns: Sequence[Column],
    shape: tuple[int, int, int] = (1, 1, 1),
    max_chars: int = TextDomain().max_chars,
) -> Domain:
    """Return the domain of a kind: texts, rows of these columns, or images of this shape."""
    if kind == "text":
        return TextDomain(max_chars=max_chars)
    if kind == "image":
        return ImageDomain(shape=shape)
    return TableDomain(columns=tuple(columns))


def messages(
    rng: np.random.Generator, count: int, length: int, words: Sequence[str] = WORDS
) -> list[str]:
    """Write messages of everyday words, each word drawn by itself."""
    rows = rng.integers(0, len(words), (count, length)).tolist()
    return [" ".join(words[i] for i in row) for row in rows]


def application(name: str, target: Target, data: Splits, domain: Domain) -> Application:
    """Wrap a target of two classes as an application."""
    return Application(
        name=name, target=target, data=data, domain=domain, classes=CLASSES, harmless=0
    )


# ---- rules that nothing was learnt for -----------------------------------------------------------


def label_by_target(app: Application) -> Application:
    """Return the same application with its own answers as true classes, which can be learnt."""
    parts = {
        part: replace(data, y=app.target.answer(data.x, View.LABELS).labels)
        for part, data in ((p, getattr(app.data, p)) for p in PARTS)
    }
    return replace(app, data=Splits(**parts))


@dataclass(frozen=True, eq=False)
class HashedTarget(BareTarget):
    """Answers with a keyed hash of the whole input, so that no answer predicts another."""

    key: bytes

    @property
    def offers(self) -> View:
        """Logits; there are no parameters to read."""
        return View.LOGITS

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        drawn = [hashlib.blake2b(k, key=self.key, digest_size=6).digest() for k in row_keys(x)]
        share = np.array([int.from_bytes(d, "big") + 0.5 for d in drawn]) / 2**48
        scores = np.stack([1 - share, share], axis=1).reshape(-1, 2)
        return Answers((share > 0.5).astype(np.int64), scores, np.log(scores)).cut(view)


class FixedRuleTarget(BareTarget):
    """Answers by a fixed rule of the input, whatever it was trained on."""

    def __init__(self, classes: int = 2) -> None:
        self._mix = np.random.default_rng(0).integers(1, 2**32, classes, dtype=np.uint64)

    @property
    def offers(self) -> View:
        """Logits."""
        return View.LOGITS

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        codes = np.array([int.from_bytes(key[:4], "big") for key in row_keys(x)], dtype=np.uint64)
        drawn = (codes[:, None] * self._mix) % 2**32 / 2**32
        scores = (0.1 + drawn) / (0.1 + drawn).sum(axis=1, keepdims=True)
        return Answers(scores.argmax(axis=1), scores, np.log(scores))


class FixedRuleTrainer:
    """Ignores its data: every training gives the same fixed rule."""

    recipe = "a rule fixed before any data was seen"

    def __init__(self, classes: int = 2) -> None:
        self._target = FixedRuleTarget(classes)

    def fit(self, data: Data, seed: int) -> Target:
        """Train one target."""
        return self._target

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`."""
        return Copies(self._target, len(masks))


@dataclass(frozen=True, eq=False)
class Copies:
    """The same target so many times; a question is answered once."""

    one: Target
    count: int

    def __len__(self) -> int:
        return self.count

    def scores(self, x: Inputs) -> Floats:
        """Probabilities `(N, n, classes)`."""
        return np.repeat(self.one.answer(x, View.SCORES).scores[None], self.count, axis=0)

    def labels(self, x: Inputs) -> Ints:
        """Classes `(N, n)`."""
        return np.asarray(self.scores(x).argmax(axis=2))

    def target(self, i: int) -> Target:
        """Return the i-th target."""
        return self.one


# ---- trainers of many targets at once ------------------------------------------------------------


class BatchTrainer(ABC):
    """Trains all its targets at once; one target is a batch of one."""

    @property
    @abstractmethod
    def recipe(self) -> str:
        """What is trained."""

    def fit(self, data: Data, seed: int) -> Target:
        """Train one target."""
        return self.fit_many(data, np.ones((1, len(data)), dtype=bool), [seed]).target(0)

    @abstractmethod
    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`."""


@dataclass(frozen=True, eq=False)
class RuleEnsemble:
    """N targets of two classes behind one function that gives classes `(N, n)`."""

    domain: Domain
    rule: Callable[[Inputs], Ints]
    count: int

    def __len__(self) -> int:
        return self.count

    def scores(self, x: Inputs) -> Floats:
        """Probabilities `(N, n, classes)`: next to certain."""
        return np.asarray(np.eye(len(CLASSES))[self.rule(x)] * 0.98 + 0.01)

    def labels(self, x: Inputs) -> Ints:
        """Classes `(N, n)`."""
        return self.rule(x)

    def target(self, i: int) -> Target:
        """Return the i-th target."""
        return PythonTarget(
            lambda x: self.scores(self._shaped(x))[i], CLASSES, self.domain, sample=self._sample()
        )

    def _sample(self) -> Inputs:
        match self.domain:
            case TextDomain():
                return texts(["ba"])
            case TableDomain(columns=columns):
                return np.zeros((1, len(columns)))
            case ImageDomain(shape=shape):
                return np.zeros((1, *shape))

    def _shaped(self, x: Inputs) -> Inputs:
        """Give images their shape again: a function is given their pixels in a row."""
        return x.reshape(len(x), *self.domain.shape) if isinstance(self.domain, ImageDomain) else x
