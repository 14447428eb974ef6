"""What is planned for a kind of model can be run on it: every kind x attacker x attack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from goalkeeper.assessing import prepare
from goalkeeper.attack_run import execute
from goalkeeper.core.application import Application
from goalkeeper.core.evidence import Status
from goalkeeper.describe import load
from goalkeeper.planning import Choice

N = 400
PARTS = "train: train.csv, test: test.csv"
TAIL = """\
needs:
  integrity: {tasks: {level: normal, reason: A wrong answer costs money.}}
  availability: {tasks: {level: normal, reason: A customer waits.}}
  confidentiality: {financial: {level: normal, reason: The model is worth money.}}
  privacy: {laws: {level: high, reason: Records are about people.}}
system: {channel: none}
wiring: {harmless: serve, harmful: stop}
"""
MODELS = """\
import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC


def bayes():
    return make_pipeline(TfidfVectorizer(), MultinomialNB())


def text_labels(texts):
    return np.array(["harmful" if "offer" in text else "harmless" for text in texts])


def text_scores(texts):
    odds = np.array([text.count("offer") - text.count("lunch") for text in texts])
    p = 1 / (1 + np.exp(-odds))
    return np.column_stack([1 - p, p])


def logistic():
    return LogisticRegression()


def forest():
    return RandomForestClassifier(5, random_state=0)


def neighbours():
    return KNeighborsClassifier(3)


def machine():
    return LinearSVC()


def curved():
    return SVC()


def mixed():
    columns = make_column_transformer((OneHotEncoder(), ["job"]), remainder=StandardScaler())
    return make_pipeline(columns, LogisticRegression())


def table_labels(rows):
    return np.where(np.asarray(rows)[:, 0] > 0, "harmful", "harmless")


def table_scores(rows):
    p = 1 / (1 + np.exp(-2 * np.asarray(rows)[:, 0]))
    return np.column_stack([1 - p, p])


def image_labels(x):
    return np.where(np.asarray(x).reshape(len(x), -1).mean(axis=1) > 0.5, "harmful", "harmless")


def network():
    import torch

    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 2))


def wide_network():
    import torch

    return torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
"""


def write_parts(folder: Path, lines: list[str]) -> None:
    """Write the records as training and test data, as a model that is already trained needs."""
    head, *rows = lines
    for name, part in (("train", rows[: N // 2]), ("test", rows[N // 2 :])):
        (folder / f"{name}.csv").write_text("\n".join([head, *part]))


def write_texts(folder: Path) -> str:
    rng = np.random.default_rng(0)
    lines = ["text,label,person"]
    for i in range(N):
        harmful = rng.random() < 0.5
        words = rng.choice(["offer", "prize", "click"] if harmful else ["lunch", "plan", "car"], 4)
        lines.append(f"{' '.join(words)} {i},{'harmful' if harmful else 'harmless'},p{i % 7}")
    write_parts(folder, lines)
    return f"{{{PARTS}, text: text, label: label, person: person}}"


def write_rows(folder: Path, *, words: bool = False) -> str:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, 3))
    label = np.where(x[:, 0] + 0.3 * rng.normal(size=N) > 0, "harmful", "harmless")
    job = [f",{name}" for name in rng.choice(["baker", "clerk"], N)] if words else [""] * N
    lines = [f"a,b,c{',job' if words else ''},label,sex"]
    for row, j, y, sex in zip(x, job, label, rng.choice(["f", "m"], N), strict=True):
        lines.append(",".join(f"{v:.3f}" for v in row) + f"{j},{y},{sex}")
    write_parts(folder, lines)
    features = "[a, b, c, job]" if words else "[a, b, c]"
    return f"{{{PARTS}, label: label, sensitive: [sex], features: {features}}}"


def write_images(folder: Path) -> str:
    rng = np.random.default_rng(0)
    bright = rng.random(N) < 0.5
    x = np.clip(rng.random((N, 6, 6)) * 0.6 + 0.4 * bright[:, None, None], 0, 1)
    y = np.where(bright, "harmful", "harmless")
    np.savez(folder / "train.npz", x=x[: N // 2], y=y[: N // 2])
    np.savez(folder / "test.npz", x=x[N // 2 :], y=y[N // 2 :])
    return "{train: train.npz, test: test.npz}"


def stored(folder: Path) -> str:
    """Store an XGBoost model of the rows, which nothing can be retrained from."""
    import pandas as pd
    from xgboost import XGBClassifier

    frame = pd.read_csv(folder / "train.csv")
    model = XGBClassifier(n_estimators=5, max_depth=2)
    model.fit(frame[["a", "b", "c"]], frame["label"] == "harmful")
    model.save_model(folder / "model.json")
    return "{file: model.json}"


def built(name: str) -> Callable[[Path], str]:
    return lambda folder: f"{{build: model.py:{name}}}"


def function(name: str) -> Callable[[Path], str]:
    return lambda folder: f"{{function: model.py:{name}}}"


def write_words_and_rows(folder: Path) -> str:
    return write_rows(folder, words=True)


# The description of the data and of the model of each kind.
KINDS = {
    "texts, labels of a function": (write_texts, function("text_labels")),
    "rows, scores of a function": (write_rows, function("table_scores")),
    "images, labels of a function": (write_images, function("image_labels")),
    "texts, scores of a function": (write_texts, function("text_scores")),
    "texts, naive Bayes": (write_texts, built("bayes")),
    "rows, labels of a function": (write_rows, function("table_labels")),
    "rows, logistic regression": (write_rows, built("logistic")),
    "rows, forest": (write_rows, built("forest")),
    "rows, neighbours": (write_rows, built("neighbours")),
    "rows, linear machine": (write_rows, built("machine")),
    "rows, machine with a kernel": (write_rows, built("curved")),
    "rows, network": (write_rows, built("wide_network")),
    "rows and words, pipeline": (write_words_and_rows, built("mixed")),
    "rows, stored boosting": (write_rows, stored),
    "images, network": (write_images, built("network")),
    "images, logistic regression": (write_images, built("logistic")),
}


def application(folder: Path, kind: str) -> Application:
    data, model = KINDS[kind]
    (folder / "model.py").write_text(MODELS)
    head = "goalkeeper: 1\nname: Gate\nclasses: [harmless, harmful]\nharmless: harmless\n"
    described = f"data: {data(folder)}\nmodel: {model(folder)}\n"
    if "build" in described:
        described += "feedback: {share: 0.05, rounds: 2}\n"
    (folder / "application.yaml").write_text(head + described + TAIL)
    return load(folder / "application.yaml")


# The contract of attacks shows the same, faster, on the worlds of the games.
@pytest.mark.validation
@pytest.mark.filterwarnings("default")  # models of a few records need not converge
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_planned_for_a_kind_can_be_run(kind: str, tmp_path: Path) -> None:
    session = prepare(application(tmp_path, kind), choice=Choice(effort=0.02))
    bad = Counter[str]()
    for unit in session.plan.units:
        result = execute(session.app, unit.run)
        refused = result.reason.startswith("the application does not offer")
        if refused or result.status is Status.FAILED_TO_RUN:
            name = f"{unit.attack} {unit.run.task.name}"
            bad[f"{name}: {result.reason}\n{result.traceback[-600:]}"] += 1
    assert not bad, "\n".join(bad)
