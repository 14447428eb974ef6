"""Modules that end in Softmax, Sigmoid or LogSoftmax: the same logits, decisions and attacks."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from goalkeeper.attacks.evasion import apgd, pgd
from goalkeeper.core.data import Data
from goalkeeper.core.domain import Column, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.errors import NotOffered, TargetError
from goalkeeper.core.power import View
from goalkeeper.targets import TorchTarget
from goalkeeper.targets.answers import Declared
from goalkeeper.targets.outputs import find_outputs
from goalkeeper.training import TorchRecipe, TorchTrainer

torch = pytest.importorskip("torch")
nn = torch.nn
functional = nn.functional

TABLE = TableDomain(columns=tuple(Column(name=f"c{i}") for i in range(3)))
TWO = ("a", "b")
X = np.random.default_rng(0).normal(size=(40, 3))


class Wrapped(nn.Module):  # type: ignore[misc, name-defined]
    """A module whose forward ends in any function."""

    def __init__(self, columns: int, end: Callable[[Any], Any], scale: float = 1.0) -> None:
        super().__init__()
        self.body, self.end, self.scale = net(columns, scale=scale), end, scale

    def forward(self, x: Any) -> Any:
        return self.end(self.body(x))


def net(columns: int, *tail: Any, scale: float = 1.0) -> Any:
    torch.manual_seed(0)
    made = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, columns), *tail)
    with torch.no_grad():
        made[2].weight *= scale
    return made


def hidden_sigmoid(end: Any) -> Any:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.Sigmoid(), nn.Linear(8, 2), end)


def logits_of(module: Any, x: Any = X, classes: Any = TWO) -> Any:
    return TorchTarget(module, classes, TABLE).answer(x, View.LOGITS)


def differences(answers: Any) -> Any:
    return answers.logits[:, 1:] - answers.logits[:, :1]


ENDS: dict[str, tuple[int, Callable[[Any], Any]]] = {
    "softmax": (2, lambda z: functional.softmax(z, dim=1)),
    "torch.softmax": (2, lambda z: torch.softmax(z, -1)),
    "method": (2, lambda z: z.softmax(dim=1)),
    "log_softmax": (2, lambda z: z.log_softmax(1)),
    "exponentials": (2, lambda z: z.exp() / z.exp().sum(1, keepdim=True)),
    "percent": (2, lambda z: 100 * z.exp() / z.exp().sum(1, keepdim=True)),
    "in a dict": (2, lambda z: {"logits": z}),
    "in a tuple": (2, lambda z: (z, z.mean())),
    "behind the loss": (2, lambda z: (z.mean(), z)),
    "behind no loss": (2, lambda z: (None, z, z.new_zeros(len(z), 7))),
    "alone in a list": (2, lambda z: [z]),
    "in an object": (2, lambda z: SimpleNamespace(logits=z, loss=None)),
    "softmax in a dict": (2, lambda z: {"probabilities": z.softmax(1), "other": z}),
    "(n, k, 1)": (2, lambda z: z[:, :, None]),
    "sigmoid": (1, torch.sigmoid),
    "squeezed sigmoid": (1, lambda z: torch.sigmoid(z).squeeze()),
    "squeezed logit": (1, lambda z: z.squeeze()),
    "logsigmoid": (1, functional.logsigmoid),
    "sigmoid by hand": (1, lambda z: 1 / (1 + (-z).exp())),
    "halved and cast": (1, lambda z: torch.sigmoid(z).double().float()),
}


@pytest.mark.parametrize("end", ENDS)
def test_whatever_the_end_the_logits_are_those_before_it(end: str) -> None:
    columns, function = ENDS[end]
    plain, ended = logits_of(net(columns)), logits_of(Wrapped(columns, function))
    np.testing.assert_array_equal(ended.labels, plain.labels)
    np.testing.assert_allclose(differences(ended), differences(plain), atol=1e-4)
    np.testing.assert_allclose(ended.scores, plain.scores, atol=1e-6)


@pytest.mark.parametrize("end", ENDS)
def test_an_input_alone_has_the_same_answer(end: str) -> None:
    columns, function = ENDS[end]
    target = TorchTarget(Wrapped(columns, function), TWO, TABLE)
    alone = np.concatenate([target.answer(X[i : i + 1], View.SCORES).scores for i in range(4)])
    np.testing.assert_allclose(alone, target.answer(X[:4], View.SCORES).scores, atol=1e-6)


@pytest.mark.parametrize(
    ("columns", "tail"),
    [(2, nn.Softmax(1)), (2, nn.LogSoftmax(1)), (1, nn.Sigmoid()), (1, nn.LogSigmoid())],
)
def test_a_last_layer_is_left_out_exactly_even_where_it_saturates(columns: int, tail: Any) -> None:
    """At 1000 times the weights every probability is 0 or 1, and says nothing of the logits."""
    plain, ended = net(columns, scale=1e3), net(columns, tail, scale=1e3)
    np.testing.assert_array_equal(logits_of(ended).logits, logits_of(plain).logits)


def test_a_sigmoid_inside_stays() -> None:
    plain, ended = hidden_sigmoid(nn.Identity()), hidden_sigmoid(nn.Softmax(1))
    np.testing.assert_array_equal(logits_of(ended).logits, logits_of(plain).logits)


def test_three_classes_and_one_sigmoid_each() -> None:
    classes = ("a", "b", "c")
    plain, ended = logits_of(net(3), X, classes), logits_of(net(3, nn.Sigmoid()), X, classes)
    np.testing.assert_array_equal(ended.logits, plain.logits)


def test_numbers_are_in_the_precision_of_the_parameters() -> None:
    double, single = net(2).double(), net(2)
    assert find_outputs(double, TABLE, TWO).kind == "logits"
    inside = Wrapped(2, lambda z: z)
    inside.body.double()
    inside.register_forward_pre_hook(lambda module, x: (x[0].double(),))
    want = logits_of(single).logits
    for module in (double, inside):
        got = logits_of(module).logits
        np.testing.assert_allclose(got, want, atol=1e-5)
        assert not np.array_equal(got, got.astype(np.float32))
    data = Data(x=X, y=(X[:, 0] > 0).astype(np.int64))
    trainer = TorchTrainer(lambda: net(2).double(), TWO, TABLE, TorchRecipe(epochs=2))
    alone = trainer.fit(data, 0)
    together = trainer.fit_many(data, np.ones((2, len(data)), dtype=bool), [0, 1])
    assert alone.module[0].weight.dtype == torch.float64
    np.testing.assert_allclose(
        together.scores(X)[0], alone.answer(X, View.SCORES).scores, atol=1e-6
    )


@pytest.mark.parametrize(
    ("columns", "end"),
    [
        (2, lambda z: z.argmax(1)),
        (2, lambda z: z.argmax(1).float()),
        (2, lambda z: z[:, 1] > z[:, 0]),
        (2, lambda z: {"labels": z.argmax(1)}),
    ],
)
def test_class_numbers_are_labels_and_nothing_more(columns: int, end: Any) -> None:
    target = TorchTarget(Wrapped(columns, end), TWO, TABLE)
    assert target.offers is View.LABELS
    want = logits_of(net(columns)).labels
    np.testing.assert_array_equal(target.answer(X, View.LABELS).labels, want)
    with pytest.raises(NotOffered, match="gives labels, not scores"):
        target.answer(X, View.SCORES)
    with pytest.raises(NotOffered, match="class numbers: they have no gradients"):
        target.network(lambda *_: None)


@pytest.mark.parametrize(
    "end",
    [
        lambda z: z.detach(),
        lambda z: functional.one_hot(z.argmax(1), 2).float(),
        lambda z: torch.from_numpy(z.detach().numpy()),
        torch.no_grad()(lambda z: z * 1.0),
    ],
    ids=["detached", "one-hot", "through numpy", "no_grad"],
)
def test_a_module_without_gradients_is_not_trained_and_attacked_all_the_same(end: Any) -> None:
    target = TorchTarget(Wrapped(2, end), TWO, TABLE)
    assert not target.outputs.trainable
    assert not target.outputs.followed
    want = logits_of(net(2)).labels
    np.testing.assert_array_equal(target.answer(X, View.SCORES).labels, want)
    assert target.offers is View.GRADIENTS  # attacks find that these are of no use
    assert target.network(lambda *_: None)(torch.zeros(1, 3)).shape == (1, 2)


def test_a_frozen_module_that_writes_to_its_inputs_has_gradients() -> None:
    module = nn.Sequential(nn.ReLU(inplace=True), net(2)).requires_grad_(requires_grad=False)
    target = TorchTarget(module, TWO, TABLE)
    assert target.offers is View.GRADIENTS
    assert target.outputs.trainable


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (lambda z: {"a": z, "b": z}, "returned dict"),
        (lambda z: z.numpy(), "returned ndarray; return the tensor of logits"),
        (lambda z: None, "returned NoneType"),
        (lambda z: torch.cat([z, z], 1), r"shape \(64, 4\), but the application lists 2"),
        (lambda z: z.T, r"shape \(2, 64\) for 64 inputs"),
        (lambda z: 1 / 0, "raised ZeroDivisionError"),
        (lambda z: z.sum() * 0 + torch.full((len(z),), 0.7), "either the probability of b"),
    ],
)
def test_what_is_no_answer_is_one_line(end: Any, said: str) -> None:
    with pytest.raises(TargetError, match=said) as caught:
        logits_of(Wrapped(2, end))
    assert str(caught.value).startswith("the module Wrapped ")
    assert "\n" not in str(caught.value)


def test_what_the_user_says_of_a_module() -> None:
    module = net(2, nn.Softmax(1))
    with pytest.raises(TargetError, match=r"gives probabilities, but model\.answers says log"):
        find_outputs(module, TABLE, TWO, X, Declared(kind="log-probabilities"))
    # Of a module whose last numbers happen to look like probabilities.
    asked = find_outputs(module, TABLE, TWO, X, Declared(kind="logits"))
    assert (asked.kind, asked.head) == ("logits", -1)


# ---- training and attacks -------------------------------------------------------------------


def records(n: int = 300) -> Data:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n, 3))
    return Data(x=x, y=(x @ [2.0, -1.0, 1.0] > 0).astype(np.int64))


@pytest.mark.parametrize(
    ("columns", "tail"), [(2, nn.Softmax(1)), (2, nn.LogSoftmax(1)), (1, nn.Sigmoid())]
)
def test_a_network_is_trained_on_its_logits(columns: int, tail: Any) -> None:
    """With the layer and without it, the same seed gives the same parameters."""
    data, recipe = records(), TorchRecipe(epochs=5, rate=0.01)
    plain = TorchTrainer(lambda: net(columns), TWO, TABLE, recipe)
    ended = TorchTrainer(lambda: net(columns, tail), TWO, TABLE, recipe)
    one, other = plain.fit(data, 3), ended.fit(data, 3)
    for key, value in one.module.state_dict().items():
        torch.testing.assert_close(other.module.state_dict()[key], value)
    assert (other.answer(data.x, View.LABELS).labels == data.y).mean() > 0.9
    assert ended.strategy.kind == plain.strategy.kind == "networks"
    masks = np.ones((2, len(data)), dtype=bool)
    scores = [t.fit_many(data, masks, [3, 4]).scores(data.x) for t in (plain, ended)]
    np.testing.assert_allclose(scores[1], scores[0], atol=1e-6)


@pytest.mark.parametrize("attack", [pgd, apgd], ids=["pgd", "apgd"])
@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("tail", [nn.Softmax(1), nn.LogSoftmax(1)], ids=["softmax", "log"])
def test_equal_decisions_give_equal_attack_success(attack: Any, norm: str, tail: Any) -> None:
    """The same weights with a last layer and without it: the same perturbed inputs, bit by bit.

    Weights are large, as after long training: the gradient through a Softmax would be 0 for most
    inputs in float32.
    """
    x = torch.rand(20, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    found = []
    for module in (image_net(), image_net(tail)):
        target = TorchTarget(module, ("a", "b", "c"), ImageDomain(shape=(1, 4, 4)))
        y = torch.as_tensor(target.answer(x.numpy(), View.LABELS).labels)
        network = target.network(lambda *_: None)
        made = attack(network, x, y, norm, 0.05 if norm == "linf" else 0.2).points
        found.append((made, (network(made).argmax(dim=1) != y).numpy()))
    torch.testing.assert_close(found[1][0], found[0][0], rtol=0, atol=0)
    np.testing.assert_array_equal(found[1][1], found[0][1])
    assert 0 < found[0][1].sum() < len(x)  # else either finds nothing, or anything would do


def image_net(*tail: Any) -> Any:
    torch.manual_seed(0)
    made = nn.Sequential(nn.Flatten(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 3), *tail)
    with torch.no_grad():
        made[3].weight *= 300
    return made


def test_texts_are_tried_too() -> None:
    class Words(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.bag = nn.EmbeddingBag(8, 2)

        def encode(self, texts: list[str]) -> Any:
            return torch.tensor([[len(text) % 8, len(text.split()) % 8] for text in texts])

        def forward(self, x: Any) -> Any:
            return self.bag(x).softmax(1)

    target = TorchTarget(Words(), TWO, TextDomain())
    assert target.outputs.kind == "probabilities"
    assert target.offers is View.LOGITS


def test_images_are_tried_too() -> None:
    outputs = find_outputs(image_net(nn.Softmax(1)), ImageDomain(shape=(1, 4, 4)), ("a", "b", "c"))
    assert outputs.kind == "probabilities"
    assert "left out" in outputs.sentence


@pytest.mark.parametrize("tail", [nn.Softmax(1), nn.LogSoftmax(1)], ids=["softmax", "log"])
def test_a_softmax_over_one_column_is_named(tail: Any) -> None:
    network = nn.Sequential(nn.Linear(3, 1), tail)
    with pytest.raises(TargetError, match="over a single column, which gives the same number"):
        find_outputs(network, TABLE, ("no", "yes"))
