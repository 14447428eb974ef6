"""A stored ONNX graph: recognised by its content, answering as the model it was made of."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from goalkeeper.core.application import Application
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View
from goalkeeper.describe import check, load
from goalkeeper.targets.onnx.operators import OPERATORS
from tests.describe.kinds.stored import (
    NUMBERS,
    accuracy,
    cut_short,
    described,
    described_images,
    described_texts,
    kind_of,
    labels,
    refused,
    rows,
    scores,
    small_images,
    table,
    trained_on,
    without,
)

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
skl2onnx = pytest.importorskip("skl2onnx")
torch = pytest.importorskip("torch")

FLOAT, INT64 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
TWO, THREE = ("no", "yes"), ("low", "middle", "high")


def exported(model: Any, path: Path, x: Any, **options: Any) -> None:
    """Write a fitted scikit-learn model as ONNX."""
    proto = skl2onnx.to_onnx(model, np.asarray(x, dtype=np.float32)[:1], **options)
    path.write_bytes(proto.SerializeToString())


def graph(
    path: Path, nodes: list[Any], output: Any, constants: dict[str, Any], shape: Any = ("n", 3)
) -> None:
    """Write a graph of nodes with one input x and one output."""
    inner = onnx.helper.make_graph(
        nodes,
        "g",
        [onnx.helper.make_tensor_value_info("x", FLOAT, shape)],
        output,
        [onnx.numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    )
    opsets = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("ai.onnx.ml", 3)]
    proto = onnx.helper.make_model(inner, opset_imports=opsets, ir_version=8)
    path.write_bytes(proto.SerializeToString())


def linear(path: Path, last: str = "", shape: tuple[Any, ...] = ("n", 3), k: int = 2) -> None:
    """Write the graph of a linear model of `income`, ending in an operator or none."""
    weights = np.zeros((shape[1], k), dtype=np.float32)
    weights[1] = np.linspace(-2, 2, k) if k > 1 else 4.0
    nodes = [onnx.helper.make_node("Gemm", ["x", "w", "b"], ["z"])]
    if last:
        nodes.append(onnx.helper.make_node(last, ["z"], ["y"]))
    name = "y" if last else "z"
    output = onnx.helper.make_tensor_value_info(name, FLOAT, [shape[0], k])
    graph(path, nodes, [output], {"w": weights, "b": np.zeros(k, np.float32)}, shape)


def income(app: Application) -> Any:
    return app.data.holdout.x[:, 1]


def gradient(app: Application) -> Any:
    """Return the gradient `(n, ...)` of the difference of the first two logits."""
    x = torch.tensor(app.data.holdout.x[:20], dtype=torch.float32, requires_grad=True)
    network = app.target.network(lambda forward, backward: None)  # type: ignore[attr-defined]
    z = network(x)
    ours = torch.softmax(z, 1).detach().numpy()
    np.testing.assert_allclose(ours, scores(app)[:20], atol=1e-4)
    (z[:, 1] - z[:, 0]).sum().backward()
    return x.grad.numpy()


# ---- scikit-learn models ----------------------------------------------------------------------


@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.parametrize("classes", [TWO, ("yes", "no"), THREE])
def test_it_answers_as_the_scikit_learn_model_does(
    classes: tuple[str, ...], *, zipmap: bool, tmp_path: Path
) -> None:
    frame = table(classes)[:300]  # the model sorts its classes; the application need not
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(frame[NUMBERS].to_numpy(), frame["label"])
    exported(model, tmp_path / "model.pkl", frame[NUMBERS], options={"zipmap": zipmap})
    path = described(tmp_path, "file: model.pkl", classes)  # the suffix decides nothing
    assert check(path) == ()
    app = load(path)
    x = app.data.holdout.x
    order = [list(model.classes_).index(c) for c in classes]
    np.testing.assert_allclose(scores(app), model.predict_proba(x)[:, order], atol=1e-5)
    assert [classes[i] for i in labels(app)] == list(model.predict(x))
    assert app.target.offers is View.GRADIENTS
    coefficients = model[-1].coef_ / model[0].scale_
    if len(classes) == 2:
        sign = 1 if classes == TWO else -1
        np.testing.assert_allclose(gradient(app), np.tile(sign * coefficients, (20, 1)), rtol=1e-3)
    assert app.trainer is None
    assert "model.pkl" in app.hashes
    assert not any("black box" in caveat for caveat in app.caveats)


@pytest.mark.parametrize("classes", [TWO, THREE])
def test_a_perceptron_has_gradients_where_its_sigmoid_is_one(
    classes: tuple[str, ...], tmp_path: Path
) -> None:
    x, y = trained_on(table(classes), classes)
    model = MLPClassifier((8,), max_iter=60, random_state=0, learning_rate_init=0.05)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it need not converge
        model.fit(x.to_numpy(), y)
    model.coefs_[-1] *= 60
    model.intercepts_[-1] *= 60
    exported(model, tmp_path / "m.onnx", x, options={"zipmap": False})
    app = load(described(tmp_path, "file: m.onnx", classes))
    np.testing.assert_array_equal(labels(app), model.predict(app.data.holdout.x))
    assert app.target.offers is View.GRADIENTS
    assert scores(app)[:20].max() > 0.9999999
    assert (np.abs(gradient(app)).sum(axis=1) > 0).all()


def test_trees_are_a_black_box_and_the_operator_is_named(tmp_path: Path) -> None:
    x, y = trained_on(table(), TWO)
    model = RandomForestClassifier(5, random_state=0).fit(x.to_numpy().astype(np.float32), y)
    exported(model, tmp_path / "m.onnx", x)
    app = load(described(tmp_path, "file: m.onnx"))
    assert app.target.offers is View.SCORES
    expected = model.predict_proba(app.data.holdout.x.astype(np.float32))
    np.testing.assert_allclose(scores(app), expected, atol=1e-6)
    notes = [c for c in app.caveats if "black box" in c]
    assert len(notes) == 1
    assert "TreeEnsembleClassifier" in notes[0]
    with pytest.raises(NotOffered, match="no differentiable form"):
        app.target.network(print)  # type: ignore[attr-defined]


def test_one_input_a_column_takes_words(tmp_path: Path) -> None:
    x, y = trained_on(table(words=True), TWO)
    columns = make_column_transformer((OneHotEncoder(), ["job"]), (StandardScaler(), NUMBERS))
    model = make_pipeline(columns, LogisticRegression()).fit(x, y)
    types = [
        (name, skl2onnx.common.data_types.StringTensorType([None, 1]) if name == "job" else number)
        for number in [skl2onnx.common.data_types.FloatTensorType([None, 1])]
        for name in ["job", *NUMBERS]
    ]
    proto = skl2onnx.to_onnx(model, initial_types=types)
    (tmp_path / "m.onnx").write_bytes(proto.SerializeToString())
    app = load(described(tmp_path, "file: m.onnx", words=True))
    np.testing.assert_array_equal(labels(app), model.predict(rows(app)))
    np.testing.assert_allclose(scores(app), model.predict_proba(rows(app)), atol=1e-5)
    refused(
        described(tmp_path, "file: m.onnx", words=True, data="  drop: [age]\n"),
        r"no columns of the application \(age\)",
    )
    app = load(described(tmp_path, "file: m.onnx", words=True, data="  sensitive: [age]\n"))
    assert accuracy(app) > 0.8


def test_texts(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    words = (["lunch", "plan", "train"], ["offer", "prize", "click"])
    texts = [" ".join([*rng.choice(words[c], 4), f"w{i}"]) for i, c in enumerate(y)]
    model = make_pipeline(CountVectorizer(lowercase=False), LogisticRegression()).fit(
        texts[:100], y[:100]
    )
    kind = skl2onnx.common.data_types.StringTensorType([None])
    proto = skl2onnx.convert_sklearn(model, initial_types=[("text", kind)])
    (tmp_path / "m.onnx").write_bytes(proto.SerializeToString())
    app = load(described_texts(tmp_path, "file: m.onnx", texts, y, ("ham", "spam")))
    np.testing.assert_array_equal(labels(app), model.predict(app.data.holdout.x))
    assert app.target.offers is View.SCORES


# ---- networks ---------------------------------------------------------------------------------


def network(last: Any = None, k: int = 2) -> Any:
    torch.manual_seed(0)
    layers = [
        torch.nn.Conv2d(1, 4, 3, padding=1, stride=2),
        torch.nn.BatchNorm2d(4),
        torch.nn.LeakyReLU(),
        torch.nn.AvgPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Dropout(),
        torch.nn.Linear(16, k),
    ]
    return torch.nn.Sequential(*layers, *([] if last is None else [last])).eval()


def export_torch(module: Any, path: Path, shape: tuple[int, ...], *, fixed: bool = False) -> None:
    axes = None if fixed else {"x": {0: "n"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that needs no other package is an old one
        torch.onnx.export(
            module,
            (torch.zeros(1, *shape),),
            str(path),
            input_names=["x"],
            dynamic_axes=axes,
            dynamo=False,
        )


@pytest.mark.parametrize("fixed", [True, False])
@pytest.mark.parametrize("last", ["", "softmax", "log_softmax", "sigmoid"])
def test_networks_for_images_have_gradients(last: str, *, fixed: bool, tmp_path: Path) -> None:
    ends = {
        "softmax": torch.nn.Softmax(1),
        "log_softmax": torch.nn.LogSoftmax(1),
        "sigmoid": torch.nn.Sigmoid(),
    }
    module = network(ends.get(last), 1 if last == "sigmoid" else 2)
    export_torch(module, tmp_path / "m.onnx", (1, 8, 8), fixed=fixed)
    images, y = small_images()
    app = load(described_images(tmp_path, "file: m.onnx", images, y))
    with torch.no_grad():
        raw = module[:7](torch.tensor(app.data.holdout.x, dtype=torch.float32)).numpy()
    logits = np.concatenate([0 * raw, raw], axis=1) if last == "sigmoid" else raw
    np.testing.assert_array_equal(labels(app), logits.argmax(axis=1))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(scores(app), powers / powers.sum(axis=1, keepdims=True), atol=1e-5)
    assert app.target.offers is View.GRADIENTS
    x = torch.tensor(app.data.holdout.x[:20], dtype=torch.float32, requires_grad=True)
    z = module[:7](x)
    (z[:, 0] if last == "sigmoid" else z[:, 1] - z[:, 0]).sum().backward()
    np.testing.assert_allclose(gradient(app), x.grad.numpy(), atol=1e-5)


def test_images_with_channels_last(tmp_path: Path) -> None:
    inner = network()

    class Last(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Any) -> Any:
            return inner(x.permute(0, 3, 1, 2))

    export_torch(Last().eval(), tmp_path / "m.onnx", (8, 8, 1))
    images, y = small_images()
    app = load(described_images(tmp_path, "file: m.onnx", images, y))
    with torch.no_grad():
        raw = inner(torch.tensor(app.data.holdout.x, dtype=torch.float32)).numpy()
    np.testing.assert_array_equal(labels(app), raw.argmax(axis=1))
    assert app.target.offers is View.GRADIENTS
    linear(tmp_path / "m.onnx")
    refused(tmp_path / "app.yaml", r"shape \(n, 3\), but the images are 1 x 8 x 8")


def test_shapes_that_are_computed_in_the_graph_are_followed(tmp_path: Path) -> None:
    node = onnx.helper.make_node
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "first"], ["n"], axis=0),
        node("Unsqueeze", ["n", "axis"], ["n1"]),
        node("Concat", ["n1", "rest"], ["new"], axis=0),
        node("Reshape", ["x", "new"], ["r"]),
        node("Squeeze", ["r", "last"], ["q"]),
        node("Clip", ["q", "low", "high"], ["c"]),
        node("MatMul", ["c", "w"], ["m"]),
        node("Div", ["m", "two"], ["z"]),
    ]
    constants = {
        "first": np.array(0), "axis": np.array([0]), "rest": np.array([3, 1]),
        "last": np.array([2]), "low": np.float32(-3), "high": np.float32(3),
        "w": np.array([[0, 0], [-2, 2], [0, 0]], np.float32), "two": np.float32(2),
    }  # fmt: skip
    output = onnx.helper.make_tensor_value_info("z", FLOAT, ["n", 2])
    graph(tmp_path / "m.onnx", nodes, [output], constants)
    app = load(described(tmp_path, "file: m.onnx"))
    assert app.target.offers is View.GRADIENTS
    np.testing.assert_array_equal(labels(app), income(app) > 0)
    np.testing.assert_allclose(gradient(app), np.tile([0.0, 2.0, 0.0], (20, 1)), atol=1e-6)


def test_a_graph_for_a_fixed_number_of_inputs_is_filled_up(tmp_path: Path) -> None:
    linear(tmp_path / "m.onnx", shape=(8, 3))
    app = load(described(tmp_path, "file: m.onnx"))
    np.testing.assert_array_equal(labels(app), income(app) > 0)
    assert len(labels(app)) % 8
    assert app.target.offers is View.SCORES
    assert any("exactly 8 inputs at once" in c for c in app.caveats)


@pytest.mark.parametrize(("last", "k"), [("", 1), ("Sigmoid", 1), ("Softmax", 2)])
def test_one_column_is_that_of_the_second_class(last: str, k: int, tmp_path: Path) -> None:
    linear(tmp_path / "m.onnx", last, k=k)
    app = load(described(tmp_path, "file: m.onnx"))
    expected = 1 / (1 + np.exp(-4 * income(app)))
    np.testing.assert_allclose(scores(app)[:, 1], expected, atol=1e-5)
    np.testing.assert_allclose(gradient(app), np.tile([0.0, 4.0, 0.0], (20, 1)), atol=1e-5)


def test_a_graph_may_give_classes_only(tmp_path: Path) -> None:
    nodes = [
        onnx.helper.make_node("Gemm", ["x", "w", "b"], ["z"]),
        onnx.helper.make_node("ArgMax", ["z"], ["y"], axis=1, keepdims=0),
    ]
    weights = np.array([[0, 0], [-2, 2], [0, 0]], np.float32)
    output = onnx.helper.make_tensor_value_info("y", INT64, ["n"])
    graph(tmp_path / "m.onnx", nodes, [output], {"w": weights, "b": np.zeros(2, np.float32)})
    app = load(described(tmp_path, "file: m.onnx"))
    assert app.target.offers is View.LABELS
    np.testing.assert_array_equal(labels(app), income(app) > 0)


def test_numbers_of_a_twin_can_be_changed(tmp_path: Path) -> None:
    linear(tmp_path / "m.onnx")
    target: Any = load(described(tmp_path, "file: m.onnx")).target
    numbers = target.parameters()
    changed = target.with_parameters({k: -v for k, v in numbers.items()})
    x = np.array([[0.0, 1.0, 0.0]])
    assert target.answer(x, View.LABELS).labels == [1]
    assert changed.answer(x, View.LABELS).labels == [0]


def test_a_twin_that_computes_something_else_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linear(tmp_path / "m.onnx")
    monkeypatch.setitem(OPERATORS, "Gemm", lambda v, a: v[0] @ v[1] * 1.01)
    app = load(described(tmp_path, "file: m.onnx"))
    assert app.target.offers is View.SCORES
    assert any("differs from the stored model by up to 0.0" in c for c in app.caveats)
    np.testing.assert_array_equal(labels(app), income(app) > 0)


# ---- weights beside the file ------------------------------------------------------------------


def test_weights_beside_the_file_are_read_and_hashed(tmp_path: Path) -> None:
    linear(tmp_path / "m.onnx")
    proto = onnx.load(str(tmp_path / "m.onnx"))
    onnx.save(
        proto, str(tmp_path / "m.onnx"), save_as_external_data=True, location="w.bin",
        size_threshold=0,
    )  # fmt: skip
    app = load(described(tmp_path, "file: m.onnx"))
    np.testing.assert_array_equal(labels(app), income(app) > 0)
    assert {"m.onnx", "w.bin"} <= set(app.hashes)
    (tmp_path / "w.bin").unlink()
    refused(tmp_path / "app.yaml", "weights in w.bin, which is not there")


@pytest.mark.parametrize("location", ["../w.bin", "/etc/hosts", "a/../../w.bin"])
def test_no_file_outside_of_the_folder_is_read(location: str, tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(100))
    folder = tmp_path / "app"
    folder.mkdir()
    linear(folder / "m.onnx")
    proto = onnx.load(str(folder / "m.onnx"))
    for tensor in proto.graph.initializer:
        onnx.external_data_helper.set_external_data(tensor, location)
        tensor.ClearField("raw_data")
    (folder / "m.onnx").write_bytes(proto.SerializeToString())
    refused(described(folder, "file: m.onnx"), "keeps weights outside of its folder")


# ---- what is refused --------------------------------------------------------------------------


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    path = described(tmp_path, "file: m.onnx")
    linear(tmp_path / "m.onnx", k=3)
    refused(path, "gives 3 scores an input, but the application lists 2 classes: no, yes")
    linear(tmp_path / "m.onnx", shape=("n", 5))
    refused(path, r"shape \(n, 5\), but the application has 3 columns")
    refused(described(tmp_path, "file: m.onnx", words=True), "these columns hold words: job")
    linear(tmp_path / "m.onnx")
    cut_short(tmp_path / "m.onnx", 0.6)
    refused(path, "m.onnx cannot be read: it is no complete ONNX model")


def test_other_classes_are_named(tmp_path: Path) -> None:
    frame = table()[:300]
    model = LogisticRegression().fit(frame[NUMBERS].to_numpy(), frame["label"])
    exported(model, tmp_path / "m.onnx", frame[NUMBERS])
    refused(described(tmp_path, "file: m.onnx", ("deny", "grant")), "the class 'no'")


def test_an_operator_of_another_library_is_refused(tmp_path: Path) -> None:
    node = onnx.helper.make_node("Steal", ["x"], ["y"], domain="com.example")
    output = onnx.helper.make_tensor_value_info("y", FLOAT, ["n", 2])
    graph(tmp_path / "m.onnx", [node], [output], {})
    error = refused(described(tmp_path, "file: m.onnx"), "onnxruntime cannot use m.onnx")
    assert "com.example" in error.problem


def test_a_regressor_is_refused(tmp_path: Path) -> None:
    from sklearn.linear_model import LinearRegression

    x, y = trained_on(table(), TWO)
    exported(LinearRegression().fit(x.to_numpy(), y), tmp_path / "m.onnx", x)
    refused(described(tmp_path, "file: m.onnx"), "ends in a LinearRegressor")


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    linear(tmp_path / "m.onnx")
    path = described(tmp_path, "file: m.onnx")
    without(monkeypatch, "onnxruntime")
    with pytest.raises(Exception, match=r"pip install 'goalkeeper\[onnx\]'") as raised:
        load(path)
    assert "trust" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "known"),
    [
        (b"\x08\x08\x12\x07pytorch:\x02\x0a\x00", True),
        (b":\x02\x0a\x00\x08\x08", True),  # fields may come in any order
        (b"\x08\x08:\x7f\x0a\x00", True),  # cut short in the graph
        (b"\x08\x08\x12\x07pytorch", False),
        (b"\x08\x00:\x02\x0a\x00", False),
        (b"\x08\x01\x12\x02\x0a\x00", False),  # a TensorFlow SavedModel
        (b"\x80\x04\x95", False),
        (b"tree\nversion=v4\n", False),
        (b"PK\x03\x04", False),
    ],
)
def test_it_is_recognised_by_its_content(content: bytes, *, known: bool, tmp_path: Path) -> None:
    (tmp_path / "m.txt").write_bytes(content)
    assert (kind_of(tmp_path / "m.txt") == ["onnx_model"]) is known
