"""Relations of a public table: they hold on its records, and random changes can be repaired."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.relations import Relations

ROOT = Path(__file__).parents[3]
DATA = Path(os.environ.get("GOALKEEPER_DATA") or ROOT.parent / "shared" / "data")
FILES = ("phishing_url.parquet", "phishing_url_features.csv", "phishing_url_relations.csv")


def test_changed_urls_keep_their_relations() -> None:
    """Of rows with one to three random changes some break a relation; none does once repaired."""
    if not all((DATA / name).is_file() for name in FILES):
        pytest.skip("the table of phishing URLs is not at hand; set GOALKEEPER_DATA")
    pd = pytest.importorskip("pandas")
    with (DATA / FILES[1]).open(encoding="utf-8") as file:
        features = list(csv.DictReader(file))
    with (DATA / FILES[2]).open(encoding="utf-8") as file:
        texts = [row["holds_when"] for row in csv.DictReader(file)]
    frame = pd.read_parquet(DATA / FILES[0])
    x = frame[[row["feature"] for row in features]].to_numpy(dtype=np.float64)
    whole = [row["type"] == "int" for row in features]
    domain = TableDomain(
        columns=tuple(
            Column(name=row["feature"], kind="integer" if w else "number", low=low, high=high)
            for row, w, low, high in zip(features, whole, x.min(0), x.max(0), strict=True)
        )
    )
    relations = Relations.of(texts, domain)
    assert len(relations) == 14
    assert relations.hold(x).mean() > 0.99
    rng = np.random.default_rng(0)
    before = x[relations.hold(x)][:2000]
    step = np.where(whole, np.maximum(1, np.round(0.5 * x.std(0))), 0.5 * x.std(0))
    low, high = np.maximum(before - step, x.min(0)), np.minimum(before + step, x.max(0))
    ends = np.where(rng.random(before.shape) < 0.5, low, high)
    rows = np.where(rng.random(before.shape) < 2 / len(whole), ends, before)
    broken = ~relations.hold(rows)
    repaired = relations.restore(before, rows, (low, high))
    assert broken.mean() > 0.02
    assert relations.hold(repaired).all()
    assert (repaired[~broken] == rows[~broken]).all()
    assert (repaired[broken] != before[broken]).any(axis=1).mean() > 0.5
