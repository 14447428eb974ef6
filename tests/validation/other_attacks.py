"""Sponges and guesses of a model family: what is planted is found, and what is not is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from goalkeeper.attacks.model_family._guessing import FamilyGuesser
from goalkeeper.attacks.model_family.family_guess import FamilyGuess
from goalkeeper.attacks.model_family.family_guess_texts import FamilyGuessTexts
from goalkeeper.core.application import Application
from goalkeeper.core.data import Splits
from goalkeeper.core.domain import ImageDomain, TableDomain
from goalkeeper.core.evidence import Status
from goalkeeper.games.model_family.estimators import FAMILIES
from tests.attacks.exhaustion import planted
from tests.validation.rows import Finding, Row

NAMED = 0.8  # share of models whose family is named
SLOW, STEADY = 5.0, 1.5  # factors: above, a weak spot is shown; below, none is
PLANTED = {**planted.TEXTS, **planted.ROWS, **planted.IMAGES}
HONEST = {**planted.HONEST_TEXTS, **planted.HONEST_ROWS}

Applications = Mapping[str, Callable[[], Application]]


def find_blow_ups(cases: int, rng: np.random.Generator) -> Finding:
    """Search small applications with a planted blow-up for slow inputs."""
    factors = _measure_factors(PLANTED, cases)
    missed = [name for name, (low, _) in factors.items() if low <= SLOW]
    least = min(low for low, _ in factors.values())
    return Finding(
        measured=f"{len(factors) - len(missed)} of {len(factors)} found; the least lower bound is "
        f"{least:.1f}{', of ' + ', '.join(missed) if missed else ''}",
        cases=len(factors),
        passed=not missed,
    )


def search_honest(cases: int, rng: np.random.Generator) -> Finding:
    """Search honest applications for slow inputs."""
    factors = _measure_factors(HONEST, cases)
    flagged = [name for name, (low, _) in factors.items() if low >= STEADY]
    most = max(high for _, high in factors.values())
    return Finding(
        measured=f"{len(flagged)} of {len(factors)} called slow; the largest upper bound is "
        f"{most:.1f}",
        cases=len(factors),
        passed=not flagged and most < SLOW,
    )


def _measure_factors(made: Applications, cases: int) -> dict[str, tuple[float, float]]:
    """Measure how many times longer the slowest inputs found take: both ends of the interval."""
    from tests.attacks.exhaustion.test_sponge import measured

    factors = {}
    for name in list(made)[:cases]:
        found = measured(made[name]())
        if found.status is not Status.TESTED:
            factors[name] = (0.0, np.inf)
            continue
        factors[name] = (found.measurements[0].low, found.measurements[0].high)
    return factors


def cancer() -> Application:
    """Return measurements of tumours."""
    from sklearn.datasets import load_breast_cancer

    from tests.public_tables import table

    return table(load_breast_cancer)


def digits(kind: str) -> Application:
    """Return handwritten digits: whole numbers of a table, or images."""
    from sklearn.datasets import load_digits

    from tests.public_tables import table

    app = table(load_digits)
    if kind == "image":
        parts = {n: getattr(app.data, n) for n in app.data.sizes()}
        images = {n: replace(p, x=p.x.reshape(-1, 1, 8, 8)) for n, p in parts.items()}
        domain = ImageDomain(shape=(1, 8, 8), high=16.0)
        return replace(app, domain=domain, data=Splits(**images))
    assert isinstance(app.domain, TableDomain)
    columns = tuple(replace(c, kind="integer") for c in app.domain.columns)
    return replace(app, domain=replace(app.domain, columns=columns))


def wine() -> Application:
    """Return analyses of wine."""
    from sklearn.datasets import load_wine

    from tests.public_tables import table

    return table(load_wine)


def mails() -> Application:
    """Return generated mails."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from tests.attacks.extraction.doors import mailbox

    return mailbox(make_pipeline(TfidfVectorizer(), LogisticRegression()), 1200)


def name_families(
    make: Callable[[], Application], attack: FamilyGuesser, least: float
) -> Callable[[int, np.random.Generator], Finding]:
    """Return the measurement of how many models' families are named from their answers."""

    def measure(cases: int, rng: np.random.Generator) -> Finding:
        from tests.attacks.model_family.test_family_guess import guess_kinds

        hidden, guessed = guess_kinds(make(), attack, cases)
        right = int((hidden == guessed).sum())
        kernel = FAMILIES.index("kernel")
        trees = [FAMILIES.index(name) for name in ("forest", "boosting")]
        mistaken = int((np.isin(hidden, trees) & (guessed == kernel)).sum())
        return Finding(
            measured=f"{right} of {cases} named ({right / cases:.0%}); {mistaken} forests or "
            "boosted trees called kernel",
            cases=cases,
            passed=right >= least * cases and not mistaken,
        )

    return measure


EXHAUSTION = ("src/goalkeeper/attacks/exhaustion", "src/goalkeeper/games/exhaustion")
FAMILY = ("src/goalkeeper/attacks/model_family", "src/goalkeeper/games/model_family")
NAMES = ", ".join(FAMILIES)
ROWS = (
    Row(
        section="Slow inputs",
        name="planted blow-ups",
        claim=f"each is found: its factor is shown to be above {SLOW:g}",
        measure=find_blow_ups,
        full=len(PLANTED),
        about=EXHAUSTION,
    ),
    Row(
        section="Slow inputs",
        name="honest applications",
        claim=f"none is shown to be {STEADY:g} times slower, or left open above {SLOW:g}",
        measure=search_honest,
        full=len(HONEST),
        about=EXHAUSTION,
    ),
    *(
        Row(
            section="Model family",
            name=name,
            claim=f"{least:.0%} of models named ({NAMES}), no forest or boosting called kernel",
            measure=name_families(make, attack, least),
            full=40,
            about=FAMILY,
        )
        for name, make, attack, least in (
            ("breast cancer", cancer, FamilyGuess(), NAMED),
            ("wine", wine, FamilyGuess(), NAMED),
            ("digits, whole numbers", lambda: digits("table"), FamilyGuess(), NAMED),
            ("digits, images", lambda: digits("image"), FamilyGuess(), NAMED),
            ("generated mails", mails, FamilyGuessTexts(), 0.55),
        )
    ),
)
