"""What a good application file becomes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from goalkeeper.core.domain import ImageDomain, TableDomain, TextDomain
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import Capability, Grade, View
from goalkeeper.describe import check, load, load_policy
from goalkeeper.policy import default_policy
from tests.describe.test_bad_data import NPZ, npz_app, split_app
from tests.describe.writing import BASE, TABLE, mail_lines, write_table_app, write_text_app


@pytest.mark.requirement("S1", "S28")
def test_a_text_application(tmp_path: Path) -> None:
    path = write_text_app(tmp_path)
    assert check(path) == ()
    app = load(path)
    assert (app.name, app.classes, app.harmless) == ("Small filter", ("ham", "spam"), 0)
    assert isinstance(app.domain, TextDomain)
    assert app.domain.valid(app.data.holdout.x).all()
    assert set(app.data.holdout.columns) == {"person", "topic"}
    assert (app.person, app.subgroups) == ("person", ("topic",))
    assert {goal: need.level for goal, need in app.needs.items()} == {
        Goal.INTEGRITY: 1, Goal.AVAILABILITY: 2, Goal.CONFIDENTIALITY: 0, Goal.PRIVACY: 2,
    }  # fmt: skip
    assert [a.name for a in app.attackers] == ["outsider", "customer"]
    assert app.attackers[0] == default_policy().attackers["outsider"]
    assert app.tolerances.declared
    assert app.wiring.reactions == {"ham": "inbox", "spam": "spam folder"}
    assert app.secrecy["data"] == {"partial": "public", "full": "confidential"}
    labels = app.target.answer(app.data.holdout.x, View.LABELS).labels
    assert (labels == app.data.holdout.y).mean() > 0.95
    assert app.trainer is not None
    assert app.lookalike is not None
    assert app.labeller is not None


def test_hashes_are_of_every_named_file(tmp_path: Path) -> None:
    app = load(write_text_app(tmp_path))
    assert dict(app.hashes) == {
        name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        for name in ("app.yaml", "filter.py", "mail.csv")
    }


def test_the_fingerprint_does_not_depend_on_the_folder(tmp_path: Path) -> None:
    text = BASE.replace("filter.py:build", "filter.py:build_fitted")
    prints = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        prints.add(load(write_text_app(tmp_path / name, text)).fingerprint)
    assert len(prints) == 1


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    text = BASE.replace("attackers: [outsider, customer]\n", "").replace("harmless: ham\n", "")
    text = text.replace("tolerances: {benign_rejection: 0.01, accuracy_drop: 0.02}\n", "")
    app = load(write_text_app(tmp_path, text.replace("level: high", "level: normal")))
    said = "\n".join(app.caveats)
    for words in (
        "no tolerances are declared",
        "no attackers are described",
        "no class is named harmless",
        "privacy of at least high is proposed",
        "the holdout has only",
    ):
        assert words in said
    assert app.harmless is None
    assert [a.name for a in app.attackers] == list(default_policy().attackers)


def test_an_attacker_of_ones_own(tmp_path: Path) -> None:
    text = BASE.replace(
        "[outsider, customer]",
        """
  - name: Mallory
    based_on: contributor
    label: reports mail
    knowledge: {data: full}
    capabilities: [T2, M2]
    view: scores
    budget: {queries: unlimited, share: 1e-3}
    window: easy""",
    )
    (mallory,) = load(write_text_app(tmp_path, text)).attackers
    base = default_policy().attackers["contributor"]
    assert (mallory.name, mallory.label, mallory.window) == ("Mallory", "reports mail", "easy")
    assert mallory.power.knowledge.data is Grade.FULL
    assert mallory.power.knowledge.algorithm is base.power.knowledge.algorithm
    assert mallory.power.capabilities == Capability.T2 | Capability.M2
    assert mallory.power.view is View.SCORES
    assert mallory.power.budget.queries == float("inf")
    assert mallory.power.budget.share == 0.001
    assert mallory.power.budget.identities == base.power.budget.identities


def test_needs_step_up_and_down(tmp_path: Path) -> None:
    text = BASE.replace(
        "    tasks: {level: high,",
        "    distribution: {reason: A second filter was measured.}\n    tasks: {level: very_high,",
    ).replace(
        "    tasks: {level: normal,", "    cumulation: {reason: Many.}\n    tasks: {level: normal,"
    )
    needs = load(write_text_app(tmp_path, text)).needs
    assert (needs[Goal.INTEGRITY].level, needs[Goal.AVAILABILITY].level) == (2, 2)


def test_rules_of_ones_own(tmp_path: Path) -> None:
    import goalkeeper.policy

    shipped = Path(goalkeeper.policy.__file__).parent / "rating.yaml"
    mine = shipped.read_text(encoding="utf-8").replace("id: goals-default", "id: mine", 1)
    (tmp_path / "mine.yaml").write_text(mine, encoding="utf-8")
    path = write_text_app(tmp_path, BASE + "policy: {rating: mine.yaml}\n")
    assert load_policy(path).id == "mine"
    assert "mine.yaml" in load(path).hashes


@pytest.mark.parametrize("classes", ["[0, 1]", "['0', '1']", "[0.0, 1.0]"])
@pytest.mark.parametrize("label", ["{}", "{}.0", " {}"])
def test_classes_that_are_numbers(classes: str, label: str, tmp_path: Path) -> None:
    lines = [
        line.replace(",ham,", f",{label.format(0)},").replace(",spam,", f",{label.format(1)},")
        for line in mail_lines()
    ]
    text = BASE.replace("[ham, spam]", classes).replace("harmless: ham", "harmless: 0")
    app = load(write_text_app(tmp_path, text.replace("{ham: inbox", "{0: inbox")
                              .replace(", spam: spam folder", ", 1: spam"), lines))  # fmt: skip
    assert (app.classes, app.harmless) == (("0", "1"), 0)
    assert app.wiring.reactions == {"0": "inbox", "1": "spam"}


def test_a_table_with_words(tmp_path: Path) -> None:
    text = TABLE.replace("model:", "columns: {age: {low: 0, high: 120, immutable: true}}\nmodel:")
    app = load(write_table_app(tmp_path, text))
    domain = app.domain
    assert isinstance(domain, TableDomain)
    assert app.classes == ("no", "yes")
    assert [(c.name, c.kind, c.immutable) for c in domain.columns] == [
        ("age", "integer", True), ("income", "number", False), ("job", "category", False),
    ]  # fmt: skip
    assert domain.columns[2].categories == ("baker", "clerk", "smith")
    assert (domain.columns[0].low, domain.columns[0].high) == (0, 120)
    assert domain.named
    assert domain.valid(app.data.train.x).all()
    labels = app.target.answer(app.data.holdout.x, View.LABELS).labels
    assert (labels == app.data.holdout.y).mean() > 0.9


def test_npz_rows_and_images(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(300) % 2
    rows = rng.normal(size=(300, 2)) + 3 * y[:, None]
    plain = NPZ.replace("filter.py:build", "filter.py:build_plain")
    table = load(npz_app(tmp_path, plain, x=rows, y=y))
    assert isinstance(table.domain, TableDomain)
    assert [c.name for c in table.domain.columns] == ["x0", "x1"]
    assert not table.domain.named
    images = (rng.integers(0, 100, size=(300, 4, 5)) + 100 * y[:, None, None]).astype(np.uint8)
    image = load(npz_app(tmp_path, plain, x=images, y=y))
    assert image.domain == ImageDomain(shape=(1, 4, 5), low=0, high=255, quantum=1, dtype="uint8")
    scaled = plain.replace("data.npz", "data.npz\n  range: [0, 1]")
    divided = load(npz_app(tmp_path, scaled, x=images, y=y))
    assert divided.domain == ImageDomain(shape=(1, 4, 5))
    assert divided.data.train.x.max() <= 1


def test_data_from_a_function(tmp_path: Path) -> None:
    text = BASE.replace("file: mail.csv", "function: mydata.py:read")
    path = write_text_app(tmp_path, text)
    folder = str(tmp_path)
    code = f"import pandas as pd\n\ndef read():\n    return pd.read_csv({folder!r} + '/mail.csv')\n"
    (tmp_path / "mydata.py").write_text(code, encoding="utf-8")
    from_function = load(path)
    from_file = load(write_text_app(tmp_path))
    assert (from_function.data.train.x == from_file.data.train.x).all()
    assert "mydata.py" in from_function.hashes


def test_a_pair_from_a_function(tmp_path: Path) -> None:
    code = """
import numpy as np
def read():
    y = np.arange(200) % 2
    return np.random.default_rng(0).normal(size=(200, 2)) + 3 * y[:, None], y
"""
    (tmp_path / "mydata.py").write_text(code, encoding="utf-8")
    text = TABLE.replace("file: table.csv\n  label: label", "function: mydata.py:read")
    text = text.replace("[no, yes]", "[0, 1]").replace("filter.py:build", "filter.py:build_plain")
    assert load(write_table_app(tmp_path, text)).data.train.x.shape[1] == 2


def test_parquet_with_a_part_column(tmp_path: Path) -> None:
    text = BASE.replace("mail.csv", "mail.parquet").replace("  person: person", "  part: split")
    parts = "{train: 0.4, holdout: 0.25, calibration: 0.1, similar: 0.25}"
    text = text.replace(parts, "{holdout: 0.4, calibration: 0.2, similar: 0.4}")
    path = write_text_app(tmp_path, text, mail_lines(400))
    frame = pd.read_csv(tmp_path / "mail.csv")
    frame["split"] = ["train" if i % 2 else "test" for i in range(len(frame))]
    frame.to_parquet(tmp_path / "mail.parquet")
    sizes = load(path).data.sizes()
    assert sizes["train"] == 200
    assert sizes["holdout"] + sizes["calibration"] + sizes["similar"] == 200


def test_train_and_test_in_one_npz(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(300) % 2
    x = rng.normal(size=(300, 2)) + 3 * y[:, None]
    text = NPZ.replace(
        "file: data.npz",
        "train: {file: data.npz, inputs: a, label: b}\n"
        "  test: {file: data.npz, inputs: c, label: d}",
    ).replace("filter.py:build", "filter.py:build_plain")
    path = npz_app(tmp_path, text, a=x[:150], b=y[:150], c=x[150:], d=y[150:])
    assert load(path).data.sizes()["train"] == 150


def test_a_variable_in_a_file_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_text_app(tmp_path, BASE.replace("mail.csv", "${GK_TEST_FOLDER}/mail.csv"))
    monkeypatch.setenv("GK_TEST_FOLDER", str(tmp_path))
    assert "${GK_TEST_FOLDER}/mail.csv" in load(path).hashes


def test_a_function_as_a_model(tmp_path: Path) -> None:
    lines = mail_lines(400)
    path = split_app(tmp_path, lines[:200], [lines[0], *lines[200:]])
    text = path.read_text(encoding="utf-8").replace("filter.py:build", "filter.py:predict")
    path.write_text(text.replace("  build:", "  function:"), encoding="utf-8")
    app = load(path)
    assert app.target.offers is View.LABELS
    assert app.trainer is None
    assert any("the model is a function" in caveat for caveat in app.caveats)


def test_a_labeller_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "label.py").write_text("def honest(x, bases):\n    return ['spam'] * len(x)\n")
    app = load(write_text_app(tmp_path, BASE + "labeller: label.py:honest\n"))
    assert app.labeller is not None
    assert app.labeller(app.data.train.x[:2], app.data.train.take(slice(2))).tolist() == [1, 1]


def test_checking_the_file_alone_imports_neither_pandas_nor_scikit_learn(tmp_path: Path) -> None:
    path = write_text_app(tmp_path)
    code = (
        "import sys; from goalkeeper.describe import check; "
        f"assert check({str(path)!r}, data=False) == (); "
        "print([m for m in ('pandas', 'sklearn', 'joblib', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
