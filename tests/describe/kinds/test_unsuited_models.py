"""Models that are not what they are taken for: the error names the cause and its remedy."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from goalkeeper.core.errors import DescriptionError
from goalkeeper.describe import load

NEEDS = """needs:
  integrity: {tasks: {level: normal, reason: A person decides.}}
  availability: {tasks: {level: normal, reason: A person decides.}}
  confidentiality: {none: No secret.}
  privacy: {laws: {level: high, reason: Records of people.}}
"""
RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(RNG.normal(size=(300, 3)).round(3), columns=list("abc"))
LABELS = np.where(TABLE.a - TABLE.b > 0, "yes", "no")


def described(folder: Path, model: str, code: str = "") -> Path:
    """Write a small application of a table."""
    rows = TABLE.assign(label=LABELS, part=np.where(TABLE.index < 150, "train", "test"))
    rows.to_csv(folder / "data.csv", index=False)
    (folder / "model.py").write_text(code)
    path = folder / "application.yaml"
    path.write_text(
        "goalkeeper: 1\nname: Small\nclasses: ['no', 'yes']\n"
        "data: {file: data.csv, label: label, part: part}\n"
        f"model: {model}\n{NEEDS}"
    )
    return path


def refused(path: Path) -> DescriptionError:
    with pytest.raises(DescriptionError) as caught:
        load(path)
    return caught.value


def stored(folder: Path, model: Any) -> Path:
    joblib.dump(model, folder / "m.joblib")
    return described(folder, "{file: m.joblib}")


FITTED = make_pipeline(StandardScaler(), LogisticRegression())


@pytest.mark.parametrize(
    ("columns", "what", "remedy"),
    [
        (["c", "a", "b"], "trained on the columns c, a, b", "`features: [c, a, b]`"),
        (["b", "a"], "trained on the columns b, a", "`features: [b, a]`"),
    ],
)
def test_columns_of_a_stored_model_are_compared_by_name(
    tmp_path: Path, columns: list[str], what: str, remedy: str
) -> None:
    error = refused(stored(tmp_path, FITTED.fit(TABLE[columns], LABELS)))
    assert what in error.problem
    assert remedy in error.advice


def test_columns_that_the_data_lack_are_named(tmp_path: Path) -> None:
    model = FITTED.fit(TABLE.rename(columns={"a": "income"}), LABELS)
    assert "do not have: income" in refused(stored(tmp_path, model)).problem


def test_a_model_among_other_things_is_named(tmp_path: Path) -> None:
    held = {"scaler": StandardScaler(), "clf": LogisticRegression().fit(TABLE, LABELS)}
    error = refused(stored(tmp_path, held))
    assert "scaler (a StandardScaler), clf (a LogisticRegression)" in error.problem
    assert "store the entry clf alone" in error.advice


BUILT = {
    "no such package": ("import no_such_package\ndef build(): pass", "install the package"),
    "a program": ("import sys\nsys.exit(2)\ndef build(): pass", "__name__"),
    "a relative import": ("from .helper import x\ndef build(): pass", "without the point"),
    "a scripted module": (
        "import torch\ndef build(): return torch.jit.script(torch.nn.Linear(3, 2))",
        "without torch.jit.script",
    ),
    "lazy layers": ("import torch\ndef build(): return torch.nn.LazyLinear(2)", "name the sizes"),
    "several outputs": (
        "from sklearn.naive_bayes import GaussianNB as NB\n"
        "from sklearn.multioutput import MultiOutputClassifier as M\ndef build(): return M(NB())",
        "multi-label",
    ),
    "a chain of outputs": (
        "from sklearn.naive_bayes import GaussianNB as NB\n"
        "from sklearn.multioutput import ClassifierChain as M\ndef build(): return M(NB())",
        "multi-label",
    ),
}


@pytest.mark.parametrize(("code", "remedy"), BUILT.values(), ids=BUILT)
@pytest.mark.filterwarnings("ignore:Lazy modules")
@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")
def test_a_function_that_builds_no_model_gets_a_fitting_remedy(
    tmp_path: Path, code: str, remedy: str
) -> None:
    pytest.importorskip("torch")
    assert remedy in refused(described(tmp_path, "{build: model.py:build}", code)).advice


CALLED = {
    "a frame": ("return x['a']", "numpy array .* pandas.DataFrame"),
    "one record": ("raise ValueError('4 values')", "numpy array .* all of them at once"),
    "an exit": ("raise SystemExit(1)", "return an answer"),
}


@pytest.mark.parametrize(("code", "remedy"), CALLED.values(), ids=CALLED)
def test_a_function_is_told_what_it_is_given(tmp_path: Path, code: str, remedy: str) -> None:
    path = described(tmp_path, "{function: model.py:predict}", f"def predict(x):\n    {code}")
    assert re.search(remedy, refused(path).advice)


def test_two_sets_of_parameters_are_not_chosen_from(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    first, second = torch.nn.Linear(3, 2).state_dict(), torch.nn.Linear(3, 2).state_dict()
    stream = io.BytesIO()
    torch.save({"model": first, "ema": second}, stream)
    (tmp_path / "w.pt").write_bytes(stream.getvalue())
    code = "import torch\ndef build(): return torch.nn.Linear(3, 2)"
    error = refused(described(tmp_path, "{build: model.py:build, weights: w.pt}", code))
    assert "2 sets of parameters" in error.problem
