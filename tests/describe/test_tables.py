"""A table goes to an estimator as pandas read it for the user; nothing is lost on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from goalkeeper.core.domain import TableDomain
from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.power import View
from goalkeeper.describe import load
from goalkeeper.targets.inputs import prepared
from tests.describe.writing import TABLE, table_lines, write_table_app

N = 300
SELECTING = """
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

def build():
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
        (make_pipeline(SimpleImputer(), StandardScaler()),
         make_column_selector(dtype_include="number")),
    )
    return make_pipeline(columns, LogisticRegression())

def numbers_only():
    return make_pipeline(make_column_transformer(
        (StandardScaler(), make_column_selector(dtype_include="number"))), LogisticRegression())

class Keeps(LogisticRegression):
    def fit(self, X, y):
        self.frame_ = X.copy()
        return super().fit(X[["income"]].fillna(0), y)

    def predict_proba(self, X):
        return super().predict_proba(X[["income"]].fillna(0))

    def predict(self, X):
        return super().predict(X[["income"]].fillna(0))

def keeps():
    return Keeps()

def boosted():
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(categorical_features="from_dtype", max_iter=5)

def regressor():
    from sklearn.linear_model import Ridge

    return Ridge()

def rows(x):
    return ["yes" if row[1] > 30 else "no" for row in x]
"""


def app_of(folder: Path, function: str = "build", lines: list[str] | None = None,
           more: str = "", data: str = "") -> Path:  # fmt: skip
    """Write the table application with one of the models above."""
    text = TABLE.replace("filter.py:build", f"mine.py:{function}").replace(
        "model:", more + "model:"
    )
    path = write_table_app(folder, text.replace("  label: label", f"  label: label\n{data}"), lines)
    (folder / "mine.py").write_text(SELECTING, encoding="utf-8")
    return path


def accuracy(app: Any) -> float:
    labels = app.target.answer(app.data.holdout.x, View.LABELS).labels
    return float((labels == app.data.holdout.y).mean())


def word_lines(n: int = N) -> list[str]:
    """Write a table in which a word alone decides."""
    rng = np.random.default_rng(0)
    lines = ["region,amount,label"]
    for _ in range(n):
        region = str(rng.choice(["NA", "east", "west"]))
        lines.append(f"{region},{rng.normal():.3f},{'yes' if region == 'east' else 'no'}")
    return lines


def test_words_reach_a_selector_by_dtype(tmp_path: Path) -> None:
    assert accuracy(load(app_of(tmp_path, lines=word_lines()))) > 0.95


def test_columns_that_no_transformer_takes_are_named(tmp_path: Path) -> None:
    app = load(app_of(tmp_path, "numbers_only", word_lines()))
    assert any("takes: region" in caveat for caveat in app.caveats)
    assert accuracy(app) < 0.9


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet"])
def test_the_model_gets_the_frame_of_pandas(suffix: str, tmp_path: Path) -> None:
    lines = [
        f"{line},{'day,flag,part' if not i else f'2024-01-{i % 28 + 1:02d},{i % 2 == 0},NA'}"
        for i, line in enumerate(table_lines())
    ]
    lines[7] = lines[7].replace("clerk", "").replace("baker", "").replace("smith", "")
    path = app_of(tmp_path, "keeps", lines, more="columns: {day: {type: date}}\n")
    frame = pd.read_csv(tmp_path / "table.csv", parse_dates=["day"])
    if suffix != "csv":
        text = path.read_text(encoding="utf-8").replace("table.csv", f"table.{suffix}")
        path.write_text(text, encoding="utf-8")
        if suffix == "parquet":
            frame.to_parquet(tmp_path / "table.parquet")
        else:
            raw = pd.read_csv(tmp_path / "table.csv", dtype=str, keep_default_na=False)
            raw.to_csv(tmp_path / "table.csv.gz", index=False)
    app = load(path)
    wanted = frame.drop(columns="label")
    assert isinstance(app.domain, TableDomain)
    parts = [prepared(getattr(app.data, part).x, app.domain) for part in app.data.sizes()]
    order = ["income", "age", "job"]
    given = pd.concat(parts).sort_values(order, ignore_index=True)
    pd.testing.assert_frame_equal(given, wanted.sort_values(order, ignore_index=True))
    seen = app.target.model.frame_  # type: ignore[attr-defined]
    pd.testing.assert_series_equal(seen.dtypes, wanted.dtypes)


def test_words_become_categories_where_a_model_takes_no_words(tmp_path: Path) -> None:
    app = load(app_of(tmp_path, "boosted", word_lines()))
    assert any("pandas type category in region" in caveat for caveat in app.caveats)
    assert accuracy(app) > 0.95


def test_a_stated_type_is_given_to_the_model(tmp_path: Path) -> None:
    lines = [
        f"{line},{'zip' if not i else f'{i % 90:05d}'}" for i, line in enumerate(table_lines())
    ]
    noted = load(app_of(tmp_path, lines=lines))
    assert any("00001 was read as 1" in caveat for caveat in noted.caveats)
    more = "columns: {zip: {type: category, dtype: str}, age: {dtype: float32}}\n"
    app = load(app_of(tmp_path, lines=lines, more=more))
    assert isinstance(app.domain, TableDomain)
    assert "00001" in app.domain.columns[3].categories
    assert prepared(app.data.train.x, app.domain)["age"].dtype == np.float32


def test_missing_values_are_imputed_as_the_user_does(tmp_path: Path) -> None:
    lines = table_lines()
    lines[1::10] = [f"{i % 60 + 20},,clerk,{'yes' if i % 2 else 'no'}" for i in range(24)]
    app = load(app_of(tmp_path, lines=lines))
    assert isinstance(app.domain, TableDomain)
    assert app.domain.missing.tolist() == [False, True, False]
    assert any("income (24)" in caveat for caveat in app.caveats)
    assert accuracy(app) > 0.8
    every = [getattr(app.data, part).x for part in app.data.sizes()]
    assert sum(int(np.isnan(x).sum()) for x in every) == 24
    assert all(app.domain.valid(x).all() for x in every)


def test_words_for_a_missing_value_can_be_set(tmp_path: Path) -> None:
    lines = [line.replace("smith", "NA").replace("baker", "none") for line in table_lines()]
    more = "columns: {job: {missing_words: [none]}}\n"
    app = load(app_of(tmp_path, lines=lines, more=more))
    assert isinstance(app.domain, TableDomain)
    assert app.domain.columns[2].categories == ("NA", "clerk")
    assert app.domain.columns[2].missing


def test_decimal_commas_are_read_when_said(tmp_path: Path) -> None:
    lines = [line.replace(",", ";").replace(".", ",") for line in table_lines()]
    app = load(app_of(tmp_path, lines=lines, data='  separator: ";"\n  decimal: ","\n'))
    assert isinstance(app.domain, TableDomain)
    assert app.domain.columns[1].kind == "number"


def test_numbers_of_records_and_unnamed_columns_are_noted(tmp_path: Path) -> None:
    lines = [f"{'' if not i else i - 1},{line}" for i, line in enumerate(table_lines())]
    app = load(app_of(tmp_path, lines=lines))
    said = "\n".join(app.caveats)
    assert "called Unnamed: 0 as pandas does" in said
    assert "column Unnamed: 0 counts the records from 0 to 239" in said


FRAME = """
import numpy as np, pandas as pd, scipy.sparse as sp
r = np.random.default_rng(0)
x = r.normal(size=(300, 3))
y = np.where(x[:, 2] > 0, "yes", "no")
def named_label():
    frame = pd.DataFrame(x, columns=["a", "b", "label"], index=r.permutation(300))
    return frame, pd.Series(y, index=range(300, 600))
def sparse():
    return sp.csr_matrix(x), y
def numbered():
    return pd.DataFrame(x), y.reshape(-1, 1)
def twice():
    return pd.DataFrame(x, columns=["a", "a", "b"]), y
"""


def function_app(folder: Path, function: str) -> Path:
    (folder / "mydata.py").write_text(FRAME, encoding="utf-8")
    path = app_of(folder)
    text = path.read_text(encoding="utf-8")
    text = text.replace(
        "  file: table.csv\n  label: label\n", f"  function: mydata.py:{function}\n"
    )
    path.write_text(text.replace("mine.py:build", "filter.py:build_plain"), encoding="utf-8")
    return path


@pytest.mark.parametrize("function", ["named_label", "sparse", "numbered"])
def test_what_a_function_returns_is_used_whole(function: str, tmp_path: Path) -> None:
    """A feature called label decides; rows are paired by position; sparse rows are written out."""
    app = load(function_app(tmp_path, function))
    assert isinstance(app.domain, TableDomain)
    assert len(app.domain.columns) == 3
    assert accuracy(app) > 0.9


def test_columns_of_one_name_are_told(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="two columns are called 'a'"):
        load(function_app(tmp_path, "twice"))


def test_a_regressor_is_named(tmp_path: Path) -> None:
    lines = [line.replace("clerk", "1").replace("smith", "2").replace("baker", "3")
             for line in table_lines()]  # fmt: skip
    with pytest.raises(Exception, match=r"Ridge is a regressor.*not assess yet"):
        load(app_of(tmp_path, "regressor", lines))


def test_a_group_that_is_not_stated_is_a_group(tmp_path: Path) -> None:
    lines = [f"{line},{'sex' if not i else ('f', 'm', '')[i % 3]}"
             for i, line in enumerate(table_lines())]  # fmt: skip
    data = "  features: [age, income, job]\n  subgroups: [sex]\n"
    app = load(app_of(tmp_path, lines=lines, data=data))
    assert set(app.data.holdout.columns["sex"]) == {"f", "m", "(not stated)"}
    assert any("80 records have no value in column sex" in caveat for caveat in app.caveats)


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        ("[no, yes]", ("no", "yes")),
        ("[on, off]", ("on", "off")),
        ("[1.0, 2.0]", ("1.0", "2.0")),
        ("[010, 1e3]", ("010", "1e3")),
        ("[2024-01-01, ~]", ("2024-01-01", "~")),
        ("[true, false]", ("True", "false")),
        ("[.inf, y]", (".inf", "y")),
    ],
)
def test_classes_are_the_words_that_stand_in_the_file(
    classes: str, words: tuple[str, str], tmp_path: Path
) -> None:
    lines = [line.replace(",no", f",{words[0]}").replace(",yes", f",{words[1]}")
             for line in table_lines()]  # fmt: skip
    path = app_of(tmp_path, lines=lines)
    text = path.read_text(encoding="utf-8").replace("[no, yes]", classes)
    path.write_text(text, encoding="utf-8")
    assert accuracy(load(path)) > 0.9


def with_column(words: list[str], name: str = "more") -> list[str]:
    """Add a column of words to the lines of the table."""
    lines = table_lines(len(words))
    return [f"{line},{name if not i else words[i - 1]}" for i, line in enumerate(lines)]


@pytest.mark.parametrize(
    ("words", "said", "remedy"),
    [
        (
            ["?" if i % 9 == 0 else f"{i / 7:.3f}" for i in range(240)],
            "'?'",
            "missing_words: ['?']",
        ),
        ([f"$1.{i:03d}" for i in range(240)], "a unit or sign", "plain numbers"),
        ([f"USD {i}.50" for i in range(240)], "a unit or sign", "plain numbers"),
        ([f'"€1,{i:03d}.00"' for i in range(240)], "a unit or sign", "plain numbers"),
        ([f"{i % 24}:{i % 60:02d}:{i % 59:02d}" for i in range(240)], "times of day", "the hour"),
    ],
    ids=["question-mark", "dollars", "code", "thousands", "times"],
)
def test_numbers_written_as_words_are_named(
    words: list[str], said: str, remedy: str, tmp_path: Path
) -> None:
    with pytest.raises(DescriptionError) as caught:
        load(app_of(tmp_path, lines=with_column(words)))
    assert said in caught.value.problem
    assert remedy in caught.value.advice


def test_words_among_numbers_are_missing_where_said(tmp_path: Path) -> None:
    lines = with_column(["?" if i % 9 == 0 else f"{i / 7:.3f}" for i in range(240)])
    more = "columns: {more: {missing_words: ['?']}}\n"
    app = load(app_of(tmp_path, lines=lines, more=more))
    assert isinstance(app.domain, TableDomain)
    assert app.domain.columns[3].kind == "number"
    assert app.domain.columns[3].missing


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-999" if i % 9 == 0 else str(i % 50) for i in range(240)], "the value -999 in 27"),
        ([f"{i % 40}%" for i in range(240)], "numbers with a unit or sign, such as 0%"),
    ],
    ids=["nines", "percent"],
)
def test_what_may_be_meant_otherwise_is_noted(words: list[str], said: str, tmp_path: Path) -> None:
    app = load(app_of(tmp_path, lines=with_column(words)))
    assert any(said in caveat for caveat in app.caveats)


def test_plain_numbers_and_words_are_not_noted(tmp_path: Path) -> None:
    for words in ([str(i % 100) for i in range(240)], [f"{i % 4 * 16} GB" for i in range(240)]):
        app = load(app_of(tmp_path, lines=with_column(words)))
        assert not any("column more" in caveat for caveat in app.caveats)


def test_the_remedy_fits_what_the_model_raised(tmp_path: Path) -> None:
    lines = table_lines()
    (tmp_path / "test.csv").write_text("\n".join([lines[0], *lines[121:]]), encoding="utf-8")
    path = app_of(tmp_path, lines=lines[:121])
    text = path.read_text(encoding="utf-8").replace(
        "  file: table.csv", "  train: {file: table.csv}\n  test: {file: test.csv}"
    )
    text = text.replace("build: mine.py:build", "function: mine.py:strict")
    path.write_text(text, encoding="utf-8")
    own = 'def strict(x):\n    raise ValueError("expected Float, got Double")\n'
    (tmp_path / "mine.py").write_text(own, encoding="utf-8")
    with pytest.raises(DescriptionError) as caught:
        load(path)
    assert "float32" in caught.value.advice
    assert "float32" not in caught.value.problem
