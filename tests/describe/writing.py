"""Write small application files and their data into a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

BASE = """\
goalkeeper: 1
name: Small filter
classes: [ham, spam]
harmless: ham
data:
  file: mail.csv
  text: text
  label: label
  person: person
  subgroups: [topic]
  parts: {train: 0.4, holdout: 0.25, calibration: 0.1, similar: 0.25}
model:
  build: filter.py:build
tolerances: {benign_rejection: 0.01, accuracy_drop: 0.02}
wiring: {ham: inbox, spam: spam folder}
secrecy:
  data: {partial: public, full: confidential}
needs:
  integrity:
    tasks: {level: normal, reason: Spam is deleted by hand.}
  availability:
    tasks: {level: high, reason: A missed mail is missed for good.}
  confidentiality:
    none: The filter is published.
  privacy:
    self_determination: {level: high, reason: The mail is private.}
attackers: [outsider, customer]
"""
FILTER = """\
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

def build():
    return make_pipeline(CountVectorizer(), MultinomialNB())

def build_broken():
    return 1 / 0

def build_nothing():
    return 42

def build_fitted(x, y, seed):
    return build().fit(x, y)

def predict(x):
    return ["spam" if "offer" in text else "ham" for text in x]

def predict_badly(x):
    return ["eggs" for text in x]

limit = 3
"""
TABLE = """\
goalkeeper: 1
name: Credit
classes: [no, yes]
data:
  file: table.csv
  label: label
model:
  build: filter.py:build
needs:
  integrity: {tasks: {level: normal, reason: A wrong credit costs money.}}
  availability: {tasks: {level: normal, reason: A customer waits.}}
  confidentiality: {none: The rules are published.}
  privacy: {laws: {level: very high, reason: Income is personal data.}}
attackers: [outsider]
"""
TABLE_FILTER = """\
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

def build():
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["job"]), (StandardScaler(), ["age", "income"])
    )
    return make_pipeline(columns, LogisticRegression())

def build_plain():
    return make_pipeline(StandardScaler(), LogisticRegression())
"""


def mail_lines(n: int = 240, seed: int = 0) -> list[str]:
    """Write CSV lines: text, label, person, topic."""
    rng = np.random.default_rng(seed)
    lines = ["text,label,person,topic"]
    for i in range(n):
        spam = bool(rng.random() < 0.4)
        words = rng.choice(["offer", "prize", "click"] if spam else ["lunch", "plan", "train"], 4)
        label, topic = ("spam", "money") if spam else ("ham", "work")
        lines.append(f"{' '.join(words)} {i},{label},p{i % 7},{topic}")
    return lines


def table_lines(n: int = 240, seed: int = 0) -> list[str]:
    """Write CSV lines: age, income, job, label."""
    rng = np.random.default_rng(seed)
    lines = ["age,income,job,label"]
    for _ in range(n):
        age, income = int(rng.integers(18, 80)), float(rng.normal(30, 9))
        job = str(rng.choice(["baker", "clerk", "NA"]))
        job = "smith" if job == "NA" else job
        lines.append(f"{age},{income:.3f},{job},{'yes' if income > 30 else 'no'}")
    return lines


def write_text_app(folder: Path, text: str = BASE, lines: list[str] | None = None) -> Path:
    """Write the small filter; returns the application file."""
    (folder / "mail.csv").write_text("\n".join(lines or mail_lines()) + "\n", encoding="utf-8")
    (folder / "filter.py").write_text(FILTER, encoding="utf-8")
    path = folder / "app.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def write_table_app(folder: Path, text: str = TABLE, lines: list[str] | None = None) -> Path:
    """Write the small table application; returns the application file."""
    (folder / "table.csv").write_text("\n".join(lines or table_lines()) + "\n", encoding="utf-8")
    (folder / "filter.py").write_text(TABLE_FILTER, encoding="utf-8")
    path = folder / "app.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def line_of(text: str, marker: str) -> int:
    """Number of the first line with `marker`, counted from 1."""
    return next(i for i, line in enumerate(text.splitlines(), 1) if marker in line)
