"""No copy below the one that its attacker makes without a question: 10 models on 2 data sets.

A copy of the ten digits takes half a minute of a processor, so that they are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binom
from sklearn import ensemble, linear_model, naive_bayes, neighbors, neural_network, svm, tree
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks import catalogue
from goalkeeper.compute.threads import one_thread
from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Splits
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.evidence import Gain, Status
from goalkeeper.core.power import Attacker, Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.games.extraction import Extraction
from goalkeeper.planning import grants, needs
from goalkeeper.policy import default_policy
from goalkeeper.training import SklearnTrainer, lookalike
from tests.validation.rows import Finding, Row

ABOUT = (
    "src/goalkeeper/attacks/extraction",
    "src/goalkeeper/games/extraction",
    "src/goalkeeper/training/families.py",
    "src/goalkeeper/training/own_models.py",
)
CHANCE = 0.05
SHARES = {"train": 0.4, "holdout": 0.3, "calibration": 0.1, "similar": 0.2}
QUERIES = 3000
MODELS: Mapping[str, Callable[[], Any]] = {
    "logistic": lambda: linear_model.LogisticRegression(max_iter=1000),
    "naive bayes": naive_bayes.GaussianNB,
    "kernel": lambda: svm.SVC(probability=True, random_state=0),
    "neighbours": neighbors.KNeighborsClassifier,
    "tree": lambda: tree.DecisionTreeClassifier(random_state=0),
    "small tree": lambda: tree.DecisionTreeClassifier(max_leaf_nodes=8, random_state=0),
    "forest": lambda: ensemble.RandomForestClassifier(50, random_state=0),
    "boosting": lambda: ensemble.HistGradientBoostingClassifier(max_iter=50, random_state=0),
    "network": lambda: neural_network.MLPClassifier((32,), max_iter=300, random_state=0),
    "bagging": lambda: ensemble.BaggingClassifier(random_state=0),
}
DATA: Mapping[str, Callable[..., Any]] = {
    "wine": load_wine,
    "breast cancer": load_breast_cancer,
}


@dataclass(frozen=True, slots=True)
class Copied:
    """On how many unseen inputs the last copy, and the best one without a query, agree."""

    attack: str
    copied: int
    without: int
    both: int
    n: int
    queries: int

    @property
    def chance(self) -> float:
        """How likely copies that are equally good would differ so much to the copy's disfavour."""
        better, worse = self.copied - self.both, self.without - self.both
        return float(binom.cdf(better, better + worse, 0.5))


def build_application(model: str, data: str, seed: int = 0) -> Application:
    """Train a model on two fifths of a data set, cut as the seed says."""
    x, y = DATA[data](return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(x))
    edges = (np.cumsum(list(SHARES.values())) * len(x)).astype(int)
    rows = dict(zip(SHARES, np.split(order, edges[:-1]), strict=True))
    bounds = zip(x.min(axis=0), x.max(axis=0), strict=True)
    columns = [Column(name=f"c{j}", low=float(a), high=float(b)) for j, (a, b) in enumerate(bounds)]
    domain, names = TableDomain(columns=tuple(columns)), tuple(str(k) for k in np.unique(y))
    records = Data(x=np.asarray(x, dtype=np.float64), y=y.astype(np.int64))
    parts = Splits(**{part: records.take(rows[part]) for part in SHARES})
    trainer = SklearnTrainer(make_pipeline(StandardScaler(), MODELS[model]()), names, domain)
    return Application(
        name=f"{model} on {data}",
        target=trainer.fit(parts.train, 0),
        trainer=trainer,
        lookalike=lookalike(trainer),
        data=parts,
        domain=domain,
        classes=names,
    )


def attacker(view: View, data: Grade) -> Attacker:
    """Grant questions, and with data the family of the model as well."""
    power = Power(
        knowledge=Knowledge(data=data, algorithm=Grade.PARTIAL),
        capabilities=Capability.M1 | Capability.M2,
        view=view,
        budget=Budget(queries=QUERIES, compute_h=1.0),
    )
    return Attacker(name="somebody", power=power)


def copy_all(
    app: Application, who: Attacker, attacks: tuple[str, ...], seed: int = 0
) -> Iterator[Copied]:
    """Run extraction attacks with all that they can use."""
    for name in attacks:
        attack = catalogue()[name]()
        enough = needs(attack, default_policy().variant(attack.variant))
        run = AttackRun(
            attack=attack,
            game=Extraction(),
            task=Extraction().tasks(app)[0],
            granted=grants(attack, who, enough)[-1],
            seed=seed,
            attacker=Extraction().baseline_power(who.power),
        )
        with one_thread():
            result = evaluate(app, run)
        if result.status is Status.NOT_APPLICABLE:
            continue
        tally = result.trials[-1].tally
        assert isinstance(tally, Gain)
        assert tally.both is not None
        counts = tally.successes, tally.baseline_successes, tally.both, tally.n
        yield Copied(name, *counts, int(result.cost.queries))


def compare_copies(
    view: View, attacks: tuple[str, ...]
) -> Callable[[int, np.random.Generator], Finding]:
    """Play attacks of an attacker with data of its own against so many models."""

    def measure(cases: int, rng: np.random.Generator) -> Finding:
        pairs = [(model, data) for data in DATA for model in MODELS][:cases]
        found = [
            copied
            for model, data in pairs
            for copied in copy_all(
                build_application(model, data), attacker(view, Grade.PARTIAL), attacks
            )
        ]
        return summarise(pairs, found)

    return measure


def summarise(pairs: Sequence[tuple[str, str]], found: Sequence[Copied]) -> Finding:
    """Say how many copies of models, by name and data set, are below those without a query."""
    below = [c for c in found if c.copied < c.without]
    beyond = [c for c in below if c.chance < CHANCE]
    share, without = (
        float(np.mean([getattr(c, what) / c.n for c in found])) for what in ("copied", "without")
    )
    sets = " and ".join(dict.fromkeys(data for _, data in pairs))
    inputs = f", by {max(c.without - c.copied for c in below)} inputs at most" if below else ""
    return Finding(
        measured=f"{len(pairs)} models on {sets}: fidelity {share:.1%}, without a query "
        f"{without:.1%}; {len(below)} of {len(found)} copies are below{inputs}, {len(beyond)} "
        "by more than chance",
        cases=len(found),
        passed=not beyond and share >= without,
    )


ROWS = tuple(
    Row(
        section="Extraction",
        name=name,
        claim="no copy below the one without a query, beyond chance (5 %)",
        measure=compare_copies(view, attacks),
        full=full,
        short=short,
        about=ABOUT,
    )
    for name, view, attacks, full, short in (
        ("substitutes from scores", View.SCORES, ("substitute_from_scores",), 20, 1),
        ("substitutes from labels", View.LABELS, ("substitute_from_data",), 20, 0),
        ("equations and tree paths", View.SCORES, ("equation_solving", "tree_paths"), 20, 0),
        ("boundaries from labels", View.LABELS, ("substitute",), 20, 0),
    )
)
