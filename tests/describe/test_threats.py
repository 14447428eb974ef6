"""The section `threats`: each key reaches the application, and each mistake names its line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from goalkeeper.core.application import Application, Property
from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.threats import (
    ColumnMove,
    ImageThreat,
    TableThreat,
    TextThreat,
    Threats,
    parse_move,
)
from goalkeeper.describe import check, load
from goalkeeper.examples import NAMES, write_example, write_template
from tests.describe.writing import BASE, line_of, write_text_app

ACCOUNTS = """\
goalkeeper: 1
name: Accounts
classes: [keep, close]
harmless: keep
data: {file: accounts.csv, label: label, drop: [region]}
model: {build: model.py:build}
needs:
  integrity: {tasks: {level: normal, reason: A wrong answer costs money.}}
  availability: {tasks: {level: normal, reason: A customer waits.}}
  confidentiality: {none: The rules are published.}
  privacy: {laws: {level: high, reason: Income is personal data.}}
attackers:
  - {name: spammer, based_on: customer, writes: own}
  - customer
"""
MODEL = """\
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

def build():
    words = make_column_transformer((OneHotEncoder(), ["paid"]), remainder="passthrough")
    return make_pipeline(words, LogisticRegression(max_iter=500))
"""
MOVES = {
    "2": ColumnMove(amount=2),
    '"±2"': ColumnMove(amount=2),
    "+2": ColumnMove(amount=2, way="up"),  # YAML reads a number, but it is not meant as one
    "-2": ColumnMove(amount=2, way="down"),
    '"+1.5"': ColumnMove(amount=1.5, way="up"),
    "10 %": ColumnMove(amount=0.1, unit="relative"),
    "-10%": ColumnMove(amount=0.1, unit="relative", way="down"),
    "0.5 sd": ColumnMove(amount=0.5, unit="deviations"),
    "up": ColumnMove(amount=np.inf, way="up"),
    "any": ColumnMove(amount=np.inf),
    "1e-3": ColumnMove(amount=0.001),
}


def write_accounts(folder: Path, threats: str = "", broken: int = 0) -> Path:
    """Write 200 accounts with total = first + second; some may break it."""
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 50, (2, 200))
    total = first + second + (np.arange(200) < broken)
    lines = ["total,first,second,paid,region,label"]
    for a, b, t in zip(first, second, total, strict=True):
        answer = "close" if t + rng.normal(0, 5) > 50 else "keep"
        lines.append(f"{t},{a},{b},{'no' if t < 20 else 'yes'},{'NS'[b % 2]},{answer}")
    (folder / "accounts.csv").write_text("\n".join(lines) + "\n")
    (folder / "model.py").write_text(MODEL)
    path = folder / "application.yaml"
    path.write_text(ACCOUNTS + threats)
    return path


def loaded(folder: Path, threats: str) -> Application:
    return load(write_accounts(folder, threats))


def test_what_is_not_said_is_the_usual_threat(tmp_path: Path) -> None:
    app = loaded(tmp_path, "")
    assert app.threats == Threats()
    assert app.properties == ()
    assert [a.writes for a in app.attackers] == ["own", "own"]


def test_every_key_reaches_the_application(tmp_path: Path) -> None:
    app = loaded(
        tmp_path,
        """\
threats:
  table:
    change: [first, second, total]
    most: 2
    moves: {first: 10 %, total: up}
    spread: 1.5
    costs: {first: 1, second: 2.5, total: 0}
    budget: 9
    relations:
      - total = first + second
      - if paid = no then total < 20
  properties:
    - {name: North, column: region, value: N, shares: [0.3, 0.7]}
    - {value: close}
""",
    )
    assert app.threats.table == TableThreat(
        change=("first", "second", "total"),
        most=2,
        moves={"first": "10 %", "total": "up"},
        spread=1.5,
        costs={"first": 1, "second": 2.5, "total": 0},
        budget=9,
        relations=("total = first + second", "if paid = no then total < 20"),
    )
    assert app.properties == (
        Property(name="north", column="region", value="N", shares=(0.3, 0.7)),
        Property(name="class", value="close"),
    )
    assert set(app.data.holdout.columns) == {"region"}


@pytest.mark.parametrize("text", MOVES)
def test_moves_are_read_as_they_are_written(text: str, tmp_path: Path) -> None:
    app = loaded(tmp_path, f"threats: {{table: {{moves: {{first: {text}}}}}}}\n")
    assert app.threats.table.move_of("first") == MOVES[text]
    assert parse_move(str(MOVES[text])) == MOVES[text]


def test_texts_and_images(tmp_path: Path) -> None:
    path = write_text_app(tmp_path, f"{BASE}threats: {{text: {{words: 7, edits: 0}}}}\n")
    assert load(path).threats.text == TextThreat(words=7, edits=0)
    folder = tmp_path / "digits"
    path = write_example("digit-reader", folder, size=200)
    text = path.read_text(encoding="utf-8")
    before, after = text.split("threats:")
    entries = "threats: {images: [{norm: linf, radius: 8/255}, {norm: l0, radius: 3, target: 7}]}\n"
    path.write_text(before + entries + after[after.index("tolerances:") :], encoding="utf-8")
    assert load(path).threats.images == (
        ImageThreat(norm="linf", radius=8 / 255),
        ImageThreat(norm="l0", radius=3, target="7"),
    )


MISTAKES = {
    "images: [{norm: l3}]": ("threats.images[0].norm", "linf"),
    "images: [{norm: linf, radius: 0}]": ("threats.images[0].radius", "above 0"),
    "images: [{norm: linf, radius: 8/0}]": ("threats.images[0].radius", "a number"),
    "images: [{norm: linf, radius: 8}]": ("threats.images[0].radius", "8/255"),
    "images: [{norm: l0, radius: 1.5}]": ("threats.images[0].radius", "whole number of pixels"),
    "images: [{norm: l2, target: kep}]": ("threats.images[0].target", "keep"),
    "images: [{norm: l2}, {norm: l2}]": ("threats.images[1]", "twice"),
    "images: []": ("threats.images", "at least 1"),
    "images: [{norm: l2}]": ("threats.images", "leave out threats.images"),
    "table: {chance: [first]}": ("threats.table.chance", "change?"),
    "table: {change: [frist]}": ("threats.table.change[0]", "first"),
    "table: {moves: {frist: 2}}": ("threats.table.moves.frist", "first"),
    "table: {moves: {first: much}}": ("threats.table.moves.first", '"±2"'),
    "table: {moves: {paid: 2}}": ("threats.table.moves.paid", "words"),
    "table: {most: 0}": ("threats.table.most", "at least 1"),
    "table: {spread: -1}": ("threats.table.spread", "above 0"),
    "table: {costs: {first: 1}}": ("threats.table.costs", "budget"),
    "table: {budget: 3}": ("threats.table.budget", "costs"),
    "table: {costs: {first: 1}, budget: 2, moves: {second: 1}}": (
        "threats.table.moves.second",
        "no cost",
    ),
    "table: {relations: [total = first + ]}": ("threats.table.relations[0]", "at the end"),
    "table: {relations: [total = frist]}": ("threats.table.relations[0]", "did you mean first"),
    "table: {relations: [paid = nope]}": ("threats.table.relations[0]", "no category nope"),
    "table: {relations: [total = first]}": ("threats.table.relations[0]", "record"),
    "text: {words: 3}": ("threats.text", "leave out threats.text"),
    "text: {words: -3}": ("threats.text.words", "at least 0"),
    "properties: [{column: regoin, value: N}]": ("threats.properties[0].column", "region?"),
    "properties: [{column: region, value: X}]": ("threats.properties[0].value", "one of N, S"),
    "properties: [{value: kepe}]": ("threats.properties[0].value", "keep"),
    "properties: [{value: keep, shares: [0.5, 0.5]}]": ("threats.properties[0].shares", "equal"),
    "properties: [{value: keep, shares: [0.5, 1.5]}]": ("threats.properties[0].shares", "below 1"),
    "properties: [{value: keep}, {value: close}]": ("threats.properties[1]", "twice"),
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_names_line_key_and_what_to_do(text: str, tmp_path: Path) -> None:
    path = write_accounts(tmp_path, f"threats:\n  {text}\n")
    key, says = MISTAKES[text]
    (problem,) = check(path)
    assert isinstance(problem, DescriptionError)
    assert problem.key.startswith(key)
    assert problem.where == f"application.yaml:{line_of(path.read_text(encoding='utf-8'), text)}"
    assert says in str(problem)
    assert "do:" in str(problem) or "twice" in says


def test_an_immutable_column_cannot_be_moved(tmp_path: Path) -> None:
    more = "columns: {first: {immutable: true}}\nthreats: {table: {moves: {first: 2}}}\n"
    (problem,) = check(write_accounts(tmp_path, more))
    assert "immutable" in str(problem)


def test_a_relation_that_the_records_break_names_relation_and_record(tmp_path: Path) -> None:
    more = "threats: {table: {relations: [total = first + second]}}\n"
    assert check(write_accounts(tmp_path, more)) == ()
    (problem,) = check(write_accounts(tmp_path, more, broken=3))
    assert "3 of 200 records break this relation" in str(problem)
    assert "record 1 of accounts.csv" in str(problem)
    app = load(write_accounts(tmp_path, more, broken=2))
    assert "2 of 200 records break the relation total = first + second" in "\n".join(app.caveats)


@pytest.mark.parametrize("name", NAMES)
def test_examples_write_the_usual_threat_out(name: str, tmp_path: Path) -> None:
    """What stands there must be the default: otherwise the numbers of the examples move."""
    path = write_example(name, tmp_path, size=200 if name != "cancer-treatment" else None)
    text = path.read_text(encoding="utf-8")
    assert "threats:" in text
    threats = load(path).threats
    assert threats.table == TableThreat()
    assert threats.text == TextThreat()
    wanted = [("linf", 0.3), ("l2", 0.3 * 0.3 * 8), ("l0", 1)]
    given = [(t.norm, t.radius) for t in threats.images]
    assert given == (wanted if name == "digit-reader" else [(n, None) for n, _ in wanted])


def test_the_template_shows_every_part_of_the_threat(tmp_path: Path) -> None:
    text = write_template(tmp_path).read_text(encoding="utf-8")
    for key in ("threats:", "text:", "table:", "images:", "properties:", "relations:", "writes:"):
        assert key in text
