"""Applications from models and records in memory: read as files are, errors name arguments."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import goalkeeper as gk
from goalkeeper.core.application import Feedback, Wiring
from goalkeeper.core.domain import ImageDomain, TableDomain, TextDomain
from goalkeeper.core.errors import DescriptionError, NotOffered
from goalkeeper.core.need import Damage, ProtectionNeed
from goalkeeper.core.power import View
from goalkeeper.targets import SklearnTarget
from goalkeeper.training import SklearnTrainer
from tests.describe.given import N, accuracy, frame, halves, rows, texts, write

make = gk.Application.from_model
TIMED = {"cost", "took", "trials"}


def pipeline() -> Any:
    words = make_column_selector(dtype_include=[object, "string"])
    encoded = make_column_transformer((OneHotEncoder(), words), remainder="passthrough")
    return make_pipeline(encoded, LogisticRegression(max_iter=500))


def numbers(app: gk.Application, **choice: Any) -> list[tuple[Any, ...]]:
    """What was measured, by attack; neither how it is identified, nor how long it took."""
    found = gk.assess(app, seed=3, **choice)
    return [
        (e.attack, e.task, e.attacker, e.status, e.result.model_dump_json(exclude=TIMED))
        for e in found.evidence
    ]


# ---- the same by file and in memory --------------------------------------------------------------


@pytest.mark.parametrize("fitted", [True, False])
def test_the_same_evidence_as_by_files(tmp_path: Path, *, fitted: bool) -> None:
    x, y = frame()
    attacks: tuple[str, ...] = ("loss_threshold",)
    model, section = pipeline(), "{build: model.py:build}"
    (tmp_path / "model.py").write_text(
        "from tests.describe.test_in_python import pipeline as build"
    )
    if fitted:
        attacks = (*attacks, "malformed_inputs")
        model.fit(x[:N].reset_index(drop=True), y[:N])
        joblib.dump(model, tmp_path / "m.joblib")
        section = "{file: m.joblib}"
    by_file = gk.load(write(tmp_path, section, x, y))
    in_memory = make(model, *halves(x, y), needs="normal", attackers=["customer"])
    for part in ("train", "holdout", "calibration", "similar"):
        one, other = getattr(by_file.data, part), getattr(in_memory.data, part)
        np.testing.assert_array_equal(one.x, other.x)
        np.testing.assert_array_equal(one.y, other.y)
    assert by_file.domain == in_memory.domain
    assert by_file.needs == in_memory.needs
    said = numbers(by_file, attacks=attacks)
    assert said == numbers(in_memory, attacks=attacks)
    assert {status for attack, *_, status, _ in said if attack} >= {gk.Status.TESTED}


def test_texts_are_the_same_as_by_files(tmp_path: Path) -> None:
    x, y = texts()
    model = make_pipeline(CountVectorizer(), MultinomialNB()).fit(x[:N], y[:N])
    joblib.dump(model, tmp_path / "m.joblib")
    path = write(tmp_path, "{file: m.joblib}", pd.DataFrame({"mail": x}), y, data=", text: mail")
    apps = [gk.load(path), make(model, *halves(x, y), attackers="customer", needs="normal")]
    attacks = ("word_edits", "loss_threshold", "vocabulary")
    one, other = (numbers(app, attacks=attacks) for app in apps)
    assert one == other


# ---- models --------------------------------------------------------------------------------------


def train(x: Any, y: Any, seed: int) -> Any:
    return LogisticRegression().fit(x, y)


def decide(x: Any) -> Any:
    return np.where(np.asarray(x)[:, 0] + np.asarray(x)[:, 1] > 0, "yes", "no")


class OwnClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Has predict(), and remembers what it was given."""

    def fit(self, x: Any, y: Any) -> OwnClassifier:
        self.seen_, self.classes_ = x, np.unique(y)
        return self

    def predict(self, x: Any) -> Any:
        self.asked_ = x
        return np.where(x["income"] > 0, "yes", "no")


@pytest.mark.parametrize(
    ("model", "view", "retrains"),
    [
        (LogisticRegression(), View.GRADIENTS, True),
        (LogisticRegression().fit(rows()[0][:N], rows()[1][:N]), View.GRADIENTS, True),
        (RandomForestClassifier(n_estimators=5, random_state=0), View.LOGITS, True),
        (LogisticRegression, View.GRADIENTS, True),
        (lambda: LogisticRegression(C=2.0), View.GRADIENTS, True),
        (train, View.GRADIENTS, True),
        (decide, View.LABELS, False),
        (SimpleNamespace(predict=decide), View.LABELS, False),
    ],
    ids=["unfitted", "fitted", "forest", "class", "build", "train", "function", "predict"],
)
def test_models_of_every_kind(model: Any, view: View, *, retrains: bool) -> None:
    app = make(model, *halves(*rows()))
    assert app.classes == ("no", "yes")
    assert accuracy(app) > 0.75
    assert app.target.offers is view
    assert (app.trainer is not None) is retrains
    assert app.storage is None
    with pytest.raises(NotOffered):
        app.target.artefact()


def test_the_clone_of_a_fitted_estimator_is_its_recipe() -> None:
    x, y = rows()
    model = LogisticRegression(C=0.5).fit(x[:N], y[:N])
    app = make(model, *halves(x, y))
    assert isinstance(app.trainer, SklearnTrainer)
    assert "C=0.5" in app.trainer.recipe
    assert not hasattr(app.trainer.estimator, "coef_")
    assert app.target.model is model  # type: ignore[attr-defined]


def test_a_target_is_taken_as_it_is() -> None:
    x, y = rows()
    model = LogisticRegression().fit(x[:N], y[:N])
    columns = tuple(gk.Column(name=f"x{j}") for j in range(3))
    target = SklearnTarget(model, ("no", "yes"), TableDomain(columns=columns))
    app = make(target, *halves(x, y))
    assert app.target is target
    assert any("a target" in caveat for caveat in app.caveats)


def test_a_path_is_read_as_model_file(tmp_path: Path) -> None:
    x, y = rows()
    path = tmp_path / "m.joblib"
    joblib.dump(LogisticRegression().fit(x[:N], y[:N]), path)
    app = make(path, *halves(x, y))
    assert app.name == "m"
    assert app.hashes[str(path)] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert app.storage is not None


@pytest.mark.parametrize("package", ["xgboost", "lightgbm"])
def test_boosters_are_read_as_their_files(package: str, tmp_path: Path) -> None:
    library = pytest.importorskip(package)
    x, y = rows()
    ones = (y == "yes").astype(int)
    if package == "xgboost":
        model = library.train({"objective": "binary:logistic"}, library.DMatrix(x[:N], ones[:N]), 8)
        file = tmp_path / "m.json"
    else:
        settings = {"objective": "binary", "verbose": -1}
        model = library.train(settings, library.Dataset(x[:N], ones[:N]), 8)
        file = tmp_path / "m.txt"
    model.save_model(str(file))
    apps = [make(model, *halves(x, y)), make(file, *halves(x, y))]
    one, other = (a.target.answer(a.data.holdout.x, View.SCORES).scores for a in apps)
    np.testing.assert_allclose(one, other)
    assert accuracy(apps[0]) > 0.8
    assert apps[0].storage is None
    with pytest.raises(NotOffered):
        apps[0].target.artefact()
    assert apps[1].storage is not None


def test_a_keras_model_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    x, y = rows()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras and numpy disagree about __array__
        model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2, "softmax")])
        model.layers[0].set_weights([np.array([[-1, 1], [-1, 1], [0, 0.0]]), np.zeros(2)])
        model.compile("adam", "sparse_categorical_crossentropy")
        app = make(model, *halves(x, y))
        assert accuracy(app) > 0.8
    assert app.name == "Sequential"


def test_an_onnx_model_in_memory() -> None:
    skl2onnx = pytest.importorskip("skl2onnx")
    pytest.importorskip("onnxruntime")
    x, y = rows()
    fitted = LogisticRegression().fit(x[:N], y[:N] == "yes")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = skl2onnx.to_onnx(fitted, x[:1].astype(np.float32), options={"zipmap": False})
    app = make(graph, *halves(x, y))
    assert accuracy(app) > 0.8
    assert app.name == "ModelProto"


# ---- torch ---------------------------------------------------------------------------------------


def trained_network(x: Any, y: Any) -> Any:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    optimiser = torch.optim.Adam(network.parameters(), 0.05)
    for _ in range(60):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(x[:N]), y[:N]).backward()
        optimiser.step()
    return network


def tensors() -> tuple[Any, Any]:
    torch = pytest.importorskip("torch")
    x, y = rows()
    return torch.tensor(x, dtype=torch.float32), torch.tensor((y == "yes").astype(int))


def test_a_trained_module_is_assessed_and_its_layers_are_the_recipe() -> None:
    x, y = tensors()
    network = trained_network(x, y)
    before = [p.detach().clone() for p in network.parameters()]
    app = make(network, *halves(x, y), training={"epochs": 5, "rate": 0.02})
    assert app.classes == ("0", "1")
    assert accuracy(app) > 0.8
    assert app.target.offers is View.GRADIENTS
    assert app.trainer is not None
    again = app.trainer.fit(app.data.train, 1)
    labels = again.answer(app.data.holdout.x, View.LABELS).labels
    assert (labels == app.data.holdout.y).mean() > 0.8
    assert all((a == b).all() for a, b in zip(before, network.parameters(), strict=True))
    assert all(p.requires_grad for p in network.parameters())


def test_an_untrained_copy_is_as_good_as_a_coin() -> None:
    x, y = tensors()
    app = make(trained_network(x, y), *halves(x, y))
    fresh = app.trainer.blueprint.build_module()  # type: ignore[union-attr]
    own = app.target.module  # type: ignore[attr-defined]
    assert not any(
        (a == b).any() for a, b in zip(fresh.parameters(), own.parameters(), strict=True)
    )


def test_recipes_of_different_modules_differ() -> None:
    x, y = tensors()
    torch = pytest.importorskip("torch")
    small = torch.nn.Sequential(torch.nn.Linear(3, 2))
    apps = [make(m, *halves(x, y)) for m in (trained_network(x, y), small)]
    recipes = {app.trainer.recipe for app in apps if app.trainer is not None}
    assert len(recipes) == 2


def test_build_is_the_recipe_of_a_module_whose_layers_cannot_draw() -> None:
    torch = pytest.importorskip("torch")
    x, y = tensors()

    class Scaled(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(3))
            self.last = torch.nn.Linear(3, 2)

        def forward(self, x: Any) -> Any:
            return self.last(x * self.weight)

    app = make(Scaled(), *halves(x, y))
    assert app.trainer is None
    assert any("as `build`" in caveat for caveat in app.caveats)
    assert make(Scaled(), *halves(x, y), build=Scaled).trainer is not None


# ---- data ----------------------------------------------------------------------------------------


def test_estimators_get_frames_as_given() -> None:
    x, y = frame()
    train, y_train, test, y_test = halves(x, y)
    app = make(OwnClassifier(), train, y_train, test, y_test)
    seen = app.target.model.seen_  # type: ignore[attr-defined]
    pd.testing.assert_frame_equal(seen, train.reset_index(drop=True))
    app.target.answer(app.data.holdout.x, View.LABELS)
    assert app.target.model.asked_.dtypes.equals(train.dtypes)  # type: ignore[attr-defined]


def test_arrays_reach_estimators_as_arrays() -> None:
    x, y = rows()
    kept: list[Any] = []

    def answer(given: Any) -> Any:
        kept.append(given)
        return decide(given)

    make(answer, *halves(x, y))
    assert all(isinstance(given, np.ndarray) for given in kept)


def test_the_index_of_frames_and_series_does_not_matter() -> None:
    x, y = frame()
    labels = pd.Series(y, index=np.arange(len(y)) * 7)
    one = make(pipeline(), *halves(x, y))
    other = make(pipeline(), x[:N], labels[:N], x[N:], labels[N:])
    np.testing.assert_array_equal(one.data.holdout.x, other.data.holdout.x)
    np.testing.assert_array_equal(one.data.holdout.y, other.data.holdout.y)


@pytest.mark.parametrize(
    "given",
    [
        lambda x: x,
        np.array,
        lambda x: np.array(x, dtype=object),
        pd.Series,
        tuple,
    ],
    ids=["list", "array", "objects", "series", "tuple"],
)
def test_texts_in_every_container(given: Callable[[list[str]], Any]) -> None:
    x, y = texts()
    app = make(
        make_pipeline(CountVectorizer(), MultinomialNB()),
        given(x[:N]), y[:N], given(x[N:]), y[N:],
        harmless="ham",
    )  # fmt: skip
    assert isinstance(app.domain, TextDomain)
    assert (app.classes, app.harmless) == (("ham", "spam"), 0)
    assert app.data.train.x.tolist() == x[:N]
    assert accuracy(app) == 1.0


def test_texts_in_a_frame() -> None:
    x, y = texts()
    table = pd.DataFrame({"mail": x, "who": [f"p{i % 9}" for i in range(len(x))]})
    model = make_pipeline(CountVectorizer(), MultinomialNB())
    app = make(model, *halves(table, y), text="mail", person="who")
    assert isinstance(app.domain, TextDomain)
    assert set(app.data.train.columns) == {"who"}


def test_images() -> None:
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).random((2 * N, 4, 4)).astype(np.float32)
    y = x.mean(axis=(1, 2)) > 0.5
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 2))
    app = make(network, *halves(torch.tensor(x), torch.tensor(y)))
    assert isinstance(app.domain, ImageDomain)
    assert app.classes == ("False", "True")


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (lambda y: y, ("no", "yes")),
        (lambda y: (y == "yes").astype(int), ("0", "1")),
        (lambda y: (y == "yes").astype(float), ("0", "1")),
        (lambda y: y == "yes", ("False", "True")),
        (lambda y: pd.Series(y).astype("category"), ("no", "yes")),
        (lambda y: np.where(y == "yes", 10, 9), ("9", "10")),
        (lambda y: y[:, None], ("no", "yes")),
    ],
    ids=["words", "integers", "floats", "flags", "category", "sorted as numbers", "one column"],
)
def test_classes_are_found_from_labels(labels: Any, classes: tuple[str, ...]) -> None:
    x, y = rows()
    app = make(LogisticRegression(), *halves(x, labels(y)))
    assert app.classes == classes
    assert accuracy(app) > 0.8


def test_classes_of_the_model_come_in_its_order() -> None:
    x, y = rows()

    class Backwards(LogisticRegression):  # type: ignore[misc]
        pass

    model = Backwards().fit(x[:N], y[:N])
    model.classes_, model.coef_, model.intercept_ = (
        model.classes_[::-1], -model.coef_, -model.intercept_,
    )  # fmt: skip
    app = make(model, *halves(x, y))
    assert app.classes == ("yes", "no")
    assert accuracy(app) > 0.8
    stated = make(model, *halves(x, y), classes=["no", "yes"])
    assert stated.classes == ("no", "yes")
    assert accuracy(stated) > 0.8


def test_a_model_trained_on_numbers_of_classes() -> None:
    x, y = rows()
    model = LogisticRegression().fit(x[:N], (y[:N] == "yes").astype(int))
    app = make(model, *halves(x, y))
    assert app.classes == ("no", "yes")
    assert accuracy(app) > 0.8


def test_the_label_inside_the_frame_is_noted_or_named() -> None:
    x, y = frame()
    table = x[["income", "age"]].assign(target=y)
    noted = make(pipeline(), *halves(table, y))
    assert any("column target of X_train holds the classes" in c for c in noted.caveats)
    assert not any("holds the classes" in c for c in
                   make(pipeline(), *halves(table, y), drop=["target"]).caveats)  # fmt: skip
    named = make(pipeline(), table[:N], "target", table[N:], "target")
    assert [c.name for c in named.domain.columns] == ["income", "age"]  # type: ignore[union-attr]


@pytest.mark.parametrize("inputs", [rows, frame], ids=["array", "frame"])
def test_what_is_known_beside_the_inputs(inputs: Callable[[], Any]) -> None:
    x, y = inputs()
    sex = np.where(np.arange(len(x)) % 2, "m", "f")
    who = [f"p{i}" for i in range(len(x))]
    app = make(
        pipeline() if isinstance(x, pd.DataFrame) else LogisticRegression(), *halves(x, y),
        sensitive={"sex": (sex[:N], sex[N:])}, person=(who[:N], pd.Series(who[N:])),
        membership_is_sensitive=True,
        properties=[gk.Property(name="women", column="sex", value="f", shares=(0.3, 0.7))],
    )  # fmt: skip
    assert (app.sensitive, app.person) == (("sex",), "person")
    assert set(app.data.train.columns) == {"sex", "person"}
    assert app.data.train.columns["sex"].tolist() == sex[:N].tolist()
    assert len(app.domain.columns) == x.shape[1]  # type: ignore[union-attr]
    assert app.properties[0].shares == (0.3, 0.7)


# ---- needs, attackers, threats -------------------------------------------------------------------


def levels(app: gk.Application) -> list[int]:
    return [app.needs[goal].level for goal in gk.Goal]


def test_needs_in_every_form() -> None:
    records = halves(*rows())
    assumed = make(LogisticRegression(), *records)
    assert levels(assumed) == [1, 1, 1, 1]
    assert any("no protection need is stated" in caveat for caveat in assumed.caveats)
    stated = make(LogisticRegression(), *records, needs="high")
    assert levels(stated) == [2, 2, 2, 2]
    assert stated.needs[gk.Goal.PRIVACY].damages[0].reason == "stated by the caller"
    assert not any("protection need" in caveat for caveat in stated.caveats)
    some = make(LogisticRegression(), *records, needs={"integrity": "very high", "privacy": "none"})
    assert levels(some) == [3, 1, 1, 0]
    assert any("of availability, confidentiality is" in caveat for caveat in some.caveats)
    reasons = {"integrity": {"financial": {"level": "high", "reason": "A credit is lost."}}}
    assert make(LogisticRegression(), *records, needs=reasons).needs[gk.Goal.INTEGRITY].level == 2
    damage = Damage(scenario="laws", level=3, reason="The law says so.")
    need = ProtectionNeed(goal=gk.Goal.PRIVACY, level=3, damages=(damage,))
    for given in ([need], {"privacy": need}, {gk.Goal.PRIVACY: need}):
        assert make(LogisticRegression(), *records, needs=given).needs[gk.Goal.PRIVACY] == need


def test_attackers_by_name_and_as_objects() -> None:
    own = gk.Attacker(name="mine", power=gk.Power())
    app = make(LogisticRegression(), *halves(*rows()), attackers=["outsider", own])
    assert [a.name for a in app.attackers] == ["outsider", "mine"]
    assert app.attackers[1] is own


def test_threats_and_surroundings_as_objects_and_as_in_a_file() -> None:
    records = halves(*rows())
    table = gk.TableThreat(moves={"x0": "±1"}, most=1)
    objects = make(
        LogisticRegression(), *records,
        threats=gk.Threats(table=table), feedback=Feedback(rounds=3),
        tolerances=gk.Tolerances(accuracy_drop=0.05),
        wiring=Wiring(reactions={"no": "stop", "yes": "pay"}, channel="signed"),
    )  # fmt: skip
    words = make(
        LogisticRegression(), *records,
        threats={"table": {"moves": {"x0": "±1"}, "most": 1}}, feedback={"rounds": 3},
        tolerances={"accuracy_drop": 0.05}, wiring={"no": "stop", "yes": "pay"},
        system={"channel": "signed"},
    )  # fmt: skip
    for name in ("threats", "feedback", "tolerances", "wiring"):
        assert getattr(objects, name) == getattr(words, name), name
    assert objects.threats.table == table
    assert objects.tolerances.declared


def test_functions_of_the_user() -> None:
    x, y = rows()

    def label(inputs: Any, bases: Any) -> Any:
        return bases.y

    app = make(LogisticRegression(), *halves(x, y), labeller=label,
               system={"adapter": lambda name, scores: "stop"})  # fmt: skip
    assert app.labeller is not None
    assert (app.labeller(app.data.holdout.x, app.data.holdout) == app.data.holdout.y).all()
    assert app.wiring.adapter is not None
    assert app.wiring.adapter("no", None) == "stop"


def test_an_expected_accuracy_that_is_not_there_stops() -> None:
    app = make(LogisticRegression(), *halves(*rows()), expects=0.999)
    with pytest.raises(DescriptionError, match="expect"):
        gk.assess(app, only=("privacy",), attacks=("loss_threshold",))


# ---- errors --------------------------------------------------------------------------------------


def wrong(x: Any, y: Any, **options: Any) -> str:
    model = options.pop("model", LogisticRegression())
    with pytest.raises(DescriptionError) as error:
        make(model, *halves(x, y), **options)
    assert ".yaml" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"nedes": "normal"}, ["nedes: there is no such argument", "did you mean needs"]),
        ({"needs": "hgh"}, ["needs.integrity", "did you mean high"]),
        ({"needs": {"secrecy": "high"}}, ["needs.secrecy: there is no such key"]),
        ({"attackers": ["outsidr"]}, ["attackers[0]: there is no", "did you mean outsider"]),
        ({"harmless": "ys"}, ["harmless: this is not one of the classes", "did you mean yes"]),
        ({"sensitive": "sex"}, ["sensitive: X_train has no column sex"]),
        ({"sensitive": {"sex": ["m"]}}, ["sensitive: sex is not a pair"]),
        ({"person": (["a"], ["b"])}, ["X_train: the shapes of X_train do not fit", "person (1,)"]),
        ({"columns": {"x0": {"low": 0}}}, ["columns.x0: record", "of X_train lies outside"]),
        ({"threats": {"table": {"mots": 1}}}, ["threats.table.mots", "did you mean most"]),
        ({"classes": ["no", "maybe"]}, ["classes: record", "'yes'"]),
        ({"expects": 3}, ["expects.accuracy"]),
        ({"training": {"epochs": 0}}, ["training.epochs"]),
        ({"model": 42}, ["model: goalkeeper cannot assess an object of the type int"]),
        ({"model": "nothing.joblib"}, ["model: the model file does not exist"]),
        ({"model": lambda a, b: a}, ["model: goalkeeper cannot assess"]),
        ({"model": lambda x: 1 / 0}, ["model: ", "division by zero"]),
        ({"model": LogisticRegression(C=-1)}, ["model: ", "'C' parameter"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_errors_name_the_argument(options: dict[str, Any], words: list[str]) -> None:
    said = wrong(*rows(), **options)
    for word in words:
        assert word in said


def test_advice_is_written_for_python() -> None:
    x, y = frame()
    odd = x.assign(code=[f"id-{i}" for i in range(len(x))])
    assert "`drop=['code']`" in wrong(odd, y)
    train, y_train, *_ = halves(x, y)
    with pytest.raises(DescriptionError) as error:
        make(pipeline(), train, y_train, train, y_train)
    assert "overlap: record 1 of X_test is also in the training data" in str(error.value)
    assert "`overlap='drop'`" in str(error.value)


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (rows()[0], rows()[0][:, 0], "y_train: the labels are 600 different numbers"),
        (rows()[0], np.zeros(2 * N), "y_train: the labels hold one class only"),
        (rows()[0], np.eye(2)[np.arange(2 * N) % 2], "are one-hot"),
        (rows()[0], np.ones((2 * N, 2)), "several labels (multi-label)"),
        (rows()[0][:, 0], rows()[1], "X_train: there is one number a record"),
        ([[1, 2], [3]] * N, rows()[1], "X_train: the inputs are no array"),
        (rows()[0], rows()[1][:500], "X_test: the shapes of X_test do not fit"),
        (rows()[0][:320], rows()[1][:320], "no record of class"),
    ],
    ids=[
        "regression",
        "one class",
        "one-hot",
        "multi-label",
        "one number",
        "ragged",
        "short",
        "few",
    ],
)
def test_odd_records(x: Any, y: Any, words: str) -> None:
    if words.startswith("no record"):
        words = ""  # which part is short of records depends on the cut
    assert words in wrong(x, y)


def test_all_problems_are_reported_at_once() -> None:
    said = wrong(*rows(), attackers=["outsidr"], harmless="ys", wiring={"maybe": "stop"})
    assert said.count("do:") == 3


def test_an_update_function_is_handed_over_as_it_is() -> None:
    """By name in a mapping, or in a `Feedback`; both mean the same."""

    def update(model: Any, x: Any, y: Any) -> None:
        model.intercept_ += 0.1

    records = halves(*rows())
    said = {"rounds": 3, "learning": update}
    meant = Feedback(rounds=3, learning="function", update=update)
    for given in (said, meant):
        assert make(LogisticRegression(), *records, feedback=given).feedback == meant
    with pytest.raises(DescriptionError, match="LogisticRegression has no partial_fit"):
        make(LogisticRegression(), *records, feedback={"learning": "partial_fit"})
