"""`data.sample`: a random sample of the records, the same each time."""

from __future__ import annotations

from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import goalkeeper as gk
from goalkeeper.core.data import PARTS, row_keys
from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.power import View
from tests.describe.given import rows, write
from tests.describe.writing import TABLE, line_of, table_lines, write_table_app

SAMPLED = TABLE.replace("data:\n", "data:\n  sample: 120\n")
LINES = table_lines(600)


def keys_of(app: gk.Application) -> dict[str, list[bytes]]:
    """Return what each part holds, in order of content."""
    return {part: sorted(row_keys(getattr(app.data, part).x)) for part in PARTS}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[gk.Application, gk.Application]:
    """The application of all records, and of a sample."""
    whole = gk.load(write_table_app(tmp_path_factory.mktemp("all"), TABLE, LINES))
    return whole, gk.load(write_table_app(tmp_path_factory.mktemp("few"), SAMPLED, LINES))


def test_each_part_and_class_keeps_the_same_share(
    both: tuple[gk.Application, gk.Application],
) -> None:
    whole, few = both
    assert sum(few.data.sizes().values()) == pytest.approx(120, abs=4)
    for part in PARTS:
        before = np.bincount(getattr(whole.data, part).y)
        after = np.bincount(getattr(few.data, part).y)
        assert np.abs(after - before * 120 / 600).max() <= 1
        assert set(keys_of(few)[part]) <= set(keys_of(whole)[part])


def test_the_sample_does_not_depend_on_the_order_of_the_file(
    both: tuple[gk.Application, gk.Application], tmp_path: Path
) -> None:
    turned = [LINES[0], *LINES[:0:-1]]
    assert keys_of(gk.load(write_table_app(tmp_path, SAMPLED, turned))) == keys_of(both[1])


def test_the_sample_is_drawn_apart_from_the_parts(
    both: tuple[gk.Application, gk.Application],
) -> None:
    """The parts are cut by the keys: a sample by the same keys would take the first of each."""
    whole, few = (keys_of(app)["train"] for app in both)
    places = np.searchsorted(np.array(whole), np.array(few)) / len(whole)
    assert 0.3 < places.mean() < 0.7  # a sample of the first fifth has 0.1
    assert places.max() > 0.8


def test_the_application_says_so(both: tuple[gk.Application, gk.Application]) -> None:
    (said,) = [caveat for caveat in both[1].caveats if "data.sample" in caveat]
    used = sum(both[1].data.sizes().values())
    assert said.startswith(f"{used} of 600 records are used, a random sample")
    assert "the model is trained on" in said
    assert not any("data.sample" in caveat for caveat in both[0].caveats)


def test_ranges_of_columns_stay_those_of_all_records(
    both: tuple[gk.Application, gk.Application],
) -> None:
    assert both[0].domain == both[1].domain


def test_a_sample_larger_than_the_data_is_all_of_it(tmp_path: Path) -> None:
    app = gk.load(write_table_app(tmp_path, TABLE.replace("data:\n", "data:\n  sample: 9999\n")))
    assert sum(app.data.sizes().values()) == 240
    assert not any("data.sample" in caveat for caveat in app.caveats)


@pytest.mark.parametrize("given", ["3", "-1", "many", "0.5"])
def test_a_wrong_number_is_refused_with_line_and_key(given: str, tmp_path: Path) -> None:
    text = TABLE.replace("data:\n", f"data:\n  sample: {given}\n")
    with pytest.raises(DescriptionError) as caught:
        gk.load(write_table_app(tmp_path, text))
    assert f"app.yaml:{line_of(text, 'sample')}" in str(caught.value)
    assert "data.sample" in str(caught.value)


def test_a_stored_model_is_not_trained_again(tmp_path: Path) -> None:
    x, y = rows()
    model = LogisticRegression().fit(x, y)
    app = gk.Application.from_model(model, x[:300], y[:300], x[300:], y[300:], sample=200)
    assert sum(app.data.sizes().values()) == pytest.approx(200, abs=4)
    answers = app.target.answer(app.data.holdout.x, View.SCORES).scores
    assert np.array_equal(answers, model.predict_proba(app.data.holdout.x))
    joblib.dump(model, tmp_path / "model.joblib")
    data = pd.DataFrame(x, columns=list("abc"))
    path = write(tmp_path, "{file: model.joblib, trust: true}", data, y, data=", sample: 200")
    (said,) = [caveat for caveat in gk.load(path).caveats if "data.sample" in caveat]
    assert "the model is the stored one" in said
