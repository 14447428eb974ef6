"""Bit flips: the best bit of a linear model is found, and a quantised network breaks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks.bit_flips._copies import (
    LinearModelCopy,
    QueriedCopy,
    TorchCopy,
    copy_model,
)
from goalkeeper.attacks.bit_flips.bit_flips import BitFlips
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Application
from goalkeeper.core.data import PARTS, Data, Splits
from goalkeeper.core.domain import Column, ImageDomain, TableDomain
from goalkeeper.core.evidence import AttackResult, Proportion, Status
from goalkeeper.core.power import View
from goalkeeper.core.stored_numbers import read_numbers, rewrite_numbers
from goalkeeper.games.bit_flips import (
    BitFlipping,
    Flip,
    FlipAim,
    flip_bits,
    flip_each_bit,
)
from goalkeeper.games.bit_flips.bits import draw_flips
from goalkeeper.games.bit_flips.game import TASK
from goalkeeper.targets import SklearnTarget
from tests.contract.harness import build, enough


def access_to(app: Application) -> Access:
    terms = Terms(
        granted=enough(BitFlips),
        rng=np.random.default_rng(0),
        victim=np.random.SeedSequence(0),
    )
    return Access(app, terms)


def run_with(app: Application, game: BitFlipping, attack: BitFlips | None = None) -> AttackResult:
    this = AttackRun(
        attack=attack or BitFlips(),
        game=game,
        task=TASK,
        granted=enough(BitFlips),
        seed=0,
    )
    return evaluate(app, this)


def successes(result: AttackResult) -> list[float]:
    shares = []
    for trial in result.trials:
        assert isinstance(trial.tally, Proportion)
        shares.append(trial.tally.successes / trial.tally.n)
    return shares


# ---- linear models -------------------------------------------------------------------------------


def aim(app: Application, counts: tuple[int, ...]) -> FlipAim:
    return FlipAim(counts=counts, stored=read_numbers(app.target))


@pytest.mark.parametrize("domain", ["table", "image"])
def test_the_first_flip_is_as_harmful_as_any_of_all_bits(domain: str) -> None:
    """Every bit is tried by brute force, on all similar data that are classified correctly."""
    app = build(BitFlips, domain, "rigged", 0)
    target = app.target
    known = aim(app, (1,))
    similar = app.data.similar
    right = target.answer(similar.x, View.LABELS).labels == similar.y
    data = similar.take(right)
    best = 0.0
    for name, values in known.stored.items():
        for index in range(values.size):
            for bit in range(64):
                after = flip_bits(known.stored, [Flip(name, index, bit)])
                if all(np.isfinite(v).all() for v in after.values()):
                    changed = target.with_parameters(after)  # type: ignore[attr-defined]
                    labels = changed.answer(data.x, View.LABELS).labels
                    best = max(best, float((labels != data.y).mean()))
    flips = BitFlips().run(known, access_to(app))
    changed = target.with_parameters(flip_bits(known.stored, flips[:1]))  # type: ignore[attr-defined]
    reached = (changed.answer(data.x, View.LABELS).labels != data.y).mean()
    assert reached >= best - 0.02


def test_a_linear_copy_predicts_every_flip_exactly() -> None:
    app = build(BitFlips, "text", "rigged", 1)
    data = app.data.similar
    stored = read_numbers(app.target)
    copy = copy_model(access_to(app), stored, data)
    assert isinstance(copy, LinearModelCopy)
    rng = np.random.default_rng(0)
    for _ in range(40):
        name = str(rng.choice(list(stored)))
        index = int(rng.integers(stored[name].size))
        bit = int(rng.choice([20, 52, 55, 60, 62, 63]))
        value = flip_each_bit(stored[name].reshape(-1)[[index]])[0, bit]
        if not np.isfinite(value):
            continue  # never tried: no number times no word is no number, too
        after = flip_bits(stored, [Flip(name, index, bit)])
        changed = app.target.with_parameters(after)  # type: ignore[attr-defined]
        labels = changed.answer(data.x, View.LABELS).labels
        assert (copy.logits(name, index, value).argmax(axis=1) == labels).mean() == 1.0
    copy.write("bias", 0, 1e6)
    assert (copy.logits().argmax(axis=1) == 0).all()


def test_text_and_scaled_models_are_rebuilt_and_others_asked() -> None:
    app = build(BitFlips, "text", "rigged", 0)
    train = app.data.train
    text = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10)).fit(train.x, train.y)
    target = SklearnTarget(text, app.classes, app.domain, indexed=True)
    rebuilt = copy_model(
        access_to(replace(app, target=target)), read_numbers(target), app.data.similar
    )
    assert isinstance(rebuilt, LinearModelCopy)
    table = build(BitFlips, "table", "rigged", 0)
    data = table.data.train
    scaled = make_pipeline(StandardScaler(), LogisticRegression()).fit(data.x, data.y)
    target = SklearnTarget(scaled, table.classes, table.domain, indexed=True)
    copy = copy_model(access_to(replace(table, target=target)), read_numbers(target), data)
    assert isinstance(copy, LinearModelCopy)
    copies = build(BitFlips, "table", "fair", 0)
    asked = copy_model(access_to(copies), read_numbers(copies.target), copies.data.similar)
    assert isinstance(asked, QueriedCopy)
    labels = copies.target.answer(copies.data.similar.x[: len(asked.y)], View.LABELS).labels
    assert (asked.logits().argmax(axis=1) == labels).all()


def test_a_perceptron_of_scikit_learn_is_asked_although_it_has_a_torch_form() -> None:
    """Its torch form is made of other numbers (scalers folded in), so it cannot be rewritten."""
    from sklearn.neural_network import MLPClassifier

    table = build(BitFlips, "table", "rigged", 0)
    data = table.data.train
    model = make_pipeline(
        StandardScaler(), MLPClassifier((8,), solver="lbfgs", max_iter=2000, random_state=0)
    ).fit(data.x, data.y)
    target = SklearnTarget(model, table.classes, table.domain, indexed=True)
    copy = copy_model(access_to(replace(table, target=target)), read_numbers(target), data)
    assert isinstance(copy, QueriedCopy)
    labels = target.answer(data.x[: len(copy.y)], View.LABELS).labels
    assert (copy.logits().argmax(axis=1) == labels).all()
    name = "mlpclassifier.coefs_[1]"
    index = int(np.abs(copy.stored[name]).argmax())
    assert copy.harm(name, index, 1e6) > copy.harm()


def test_no_flip_makes_a_number_infinite() -> None:
    app = build(BitFlips, "table", "rigged", 0)
    known = aim(app, (10,))
    flips = BitFlips().run(known, access_to(app))
    assert all(np.isfinite(v).all() for v in flip_bits(known.stored, flips).values())
    assert len(set(flips)) == len(flips)


@pytest.mark.requirement("S24")
def test_one_bit_breaks_a_logistic_regression_and_a_random_one_does_not() -> None:
    app = build(BitFlips, "image", "rigged", 0)
    train = app.data.train
    model = LogisticRegression().fit(train.x.reshape(len(train), -1), train.y)
    target = SklearnTarget(model, app.classes, app.domain, indexed=True)
    result = run_with(replace(app, target=target), replace(BitFlipping(), counts=(1,)))
    assert successes(result)[0] > 0.4
    assert result.measurements[0].baseline < 0.1


# ---- networks ------------------------------------------------------------------------------------


def digits(module: Any, domain: Any) -> Application:
    """Wrap a module that reads 8 x 8 digits, with 0 to 16 for each pixel."""
    from goalkeeper.targets import TorchTarget

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    cuts = np.split(order, [900, 1500, 1550])
    parts = {
        part: Data(x=x[rows], y=y[rows].astype(np.int64))
        for part, rows in zip(PARTS, cuts, strict=True)
    }
    target = TorchTarget(module, [str(k) for k in range(10)], domain)
    return Application(
        name="digits",
        target=target,
        data=Splits(**parts),
        domain=domain,
        classes=tuple(str(k) for k in range(10)),
    )


PIXELS = TableDomain(columns=tuple(Column(name=f"p{j}", low=0, high=16) for j in range(64)))


def trained() -> Any:
    """Train a network 64-64-10 without biases; returns its two weights, each (out, in)."""
    import torch

    x, y = load_digits(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(x))[:900]
    torch.manual_seed(0)
    layers = torch.nn.Linear(64, 64, bias=False), torch.nn.Linear(64, 10, bias=False)
    net = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1])
    optimiser = torch.optim.Adam(net.parameters(), 1e-2)
    inputs = torch.as_tensor(x[rows] / 16, dtype=torch.float32)
    for _ in range(150):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(net(inputs), torch.as_tensor(y[rows])).backward()
        optimiser.step()
    return [layer.weight.detach() for layer in layers]


def quantised(weights: list[Any]) -> Any:
    """Store a network as whole numbers of one byte, with one scale for each layer."""
    import torch

    class Quantised(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scales = [float(w.abs().max()) / 127 for w in weights]
            for i, w in enumerate(weights):
                self.register_buffer(f"w{i}", (w / self.scales[i]).round().to(torch.int8))

        def forward(self, x: Any) -> Any:
            first, second = self.get_buffer("w0").float(), self.get_buffer("w1").float()
            hidden = x / 16 @ (first * self.scales[0]).T
            return hidden.relu() @ (second * self.scales[1]).T

    return Quantised()


@pytest.mark.requirement("S24")
def test_a_quantised_network_breaks_by_few_chosen_bits_and_not_by_many_random_ones() -> None:
    """The measured case: 37,888 bits, 0.98 to 0.89 by 3 and to 0.41 by 20; 100 random: 0.93.

    Network and split differ from those of the measurement, so that the bounds are wide: a loss of
    4 points or more by 3 flips, to below 0.6 by 20, and of less than 10 points by 100 random ones.
    """
    pytest.importorskip("torch")
    app = digits(quantised(trained()), PIXELS)
    stored = read_numbers(app.target)
    assert sum(v.size * 8 for v in stored.values()) == 37_888
    assert {str(v.dtype) for v in stored.values()} == {"int8"}
    assert isinstance(copy_model(access_to(app), stored, app.data.similar), TorchCopy)
    holdout = app.data.holdout
    clean = (app.target.answer(holdout.x, View.LABELS).labels == holdout.y).mean()
    assert clean > 0.95
    result = run_with(app, replace(BitFlipping(), counts=(3, 20), draws=10))
    three, twenty = (clean * (1 - share) for share in successes(result))
    assert three < clean - 0.04
    assert twenty < 0.6
    rng = np.random.default_rng(3)
    blind = [
        (
            rewrite_numbers(app.target, flip_bits(stored, draw_flips(stored, 100, rng)))
            .answer(holdout.x, View.LABELS)
            .labels
            == holdout.y
        ).mean()
        for _ in range(10)
    ]
    assert np.mean(blind) > clean - 0.10
    assert any("int8" in c for c in result.caveats)


@pytest.mark.requirement("S24")
def test_one_random_exponent_bit_of_a_float_network() -> None:
    """The measured case: a mean accuracy of 0.68 after one flip; here 0.45 to 0.9 (n = 200)."""
    torch = pytest.importorskip("torch")
    first, second = trained()
    net = torch.nn.Sequential(
        torch.nn.Linear(64, 64, bias=False), torch.nn.ReLU(), torch.nn.Linear(64, 10, bias=False)
    )
    net[0].weight.data, net[2].weight.data = first / 16, second
    app = digits(net, PIXELS)
    result = run_with(app, replace(BitFlipping(), counts=(1,), draws=200), BitFlips(candidates=2))
    mean = next(m for m in result.measurements if m.metric == "one exponent bit at random")
    assert 0.45 < 0.98 * (1 - mean.value) < 0.9
    assert mean.n == 200


@pytest.mark.parametrize("followed", [True, False], ids=["gradients", "none"])
def test_images_pass_through_a_module(*, followed: bool) -> None:
    torch = pytest.importorskip("torch")
    app = build(BitFlips, "image", "rigged", 0)
    assert isinstance(app.domain, ImageDomain)
    from goalkeeper.targets import TorchTarget

    weights = app.target.parameters()
    layer = torch.nn.Linear(16, 2)
    layer.weight.data = torch.as_tensor(weights["weights"], dtype=torch.float32)
    layer.bias.data = torch.as_tensor(weights["bias"], dtype=torch.float32)
    module = torch.nn.Sequential(torch.nn.Flatten(), layer)
    if not followed:
        module.register_forward_hook(lambda _module, _inputs, out: out.detach())
    result = run_with(
        replace(app, target=TorchTarget(module, app.classes, app.domain)), BitFlipping().smaller()
    )
    assert successes(result)[-1] > 0.3 or not followed
    assert result.status is not Status.FAILED_TO_RUN
