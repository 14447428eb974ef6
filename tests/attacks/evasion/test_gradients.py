"""PGD and APGD against closed forms: they succeed exactly where a success exists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from goalkeeper.attacks.evasion import apgd, pgd
from goalkeeper.attacks.evasion._gradients import difference_ratio, log_odds
from goalkeeper.attacks.evasion.apgd import Apgd, _list_checkpoints
from goalkeeper.attacks.evasion.pgd import Pgd
from goalkeeper.core.errors import DataError, NotOffered
from goalkeeper.games.evasion import Ending
from goalkeeper.targets.differentiable import linear_network
from tests.attacks.evasion.arena import attacked, part
from tests.attacks.evasion.fields import application, ball, dealt, images, linear, margins, no_count

torch = pytest.importorskip("torch")
BOTH = pytest.mark.parametrize("attack", [pgd, apgd], ids=["pgd", "apgd"])


def tensors(classes: int = 2, n: int = 12) -> tuple[Any, Any, Any, Any, Any]:
    weights, bias = linear(classes=classes)
    x = images(n)
    y, linf, l2 = margins(weights, bias, x)
    network = linear_network(weights, bias, no_count)
    return network, torch.as_tensor(x), torch.as_tensor(y), linf, l2


def broken(network: Any, x: Any, y: Any) -> Any:
    return (network(x).argmax(dim=1) != y).numpy()


@pytest.mark.requirement("S43")
@pytest.mark.parametrize(("attack", "classes"), [(pgd, 2), (apgd, 2), (apgd, 3), (apgd, 5)])
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_it_succeeds_exactly_where_the_radius_exceeds_the_distance(
    attack: Any, norm: str, classes: int
) -> None:
    """On linear models |margin| / |w|_1 (Linf) and |margin| / |w|_2 (L2) are exact."""
    network, x, y, linf, l2 = tensors(classes, n=6 if classes == 2 else 3)
    exact = linf if norm == "linf" else l2
    for i in range(len(x)):
        for factor, expected in ((0.98, False), (1.05, True)):
            constraint = ball(norm, factor * exact[i])
            found = attack(network, x[i : i + 1], y[i : i + 1], norm, constraint.radius).points
            assert broken(network, found, y[i : i + 1])[0] == expected
            assert (
                constraint.size(x[i : i + 1].numpy(), found.numpy())[0] <= constraint.radius + 1e-9
            )


@BOTH
@pytest.mark.parametrize("change", ["scaled up", "scaled down", "shifted"])
def test_logits_that_saturate_or_lie_low_hide_nothing(attack: Any, change: str) -> None:
    """The softmax of these logits is exactly 0 or 1, or all equal: cross-entropy sees nothing."""
    inner, x, y, linf, _ = tensors(3)
    altered: dict[str, Callable[[Any], Any]] = {
        "scaled up": lambda z: 1e6 * inner(z),
        "scaled down": lambda z: 1e-9 * inner(z),
        "shifted": lambda z: inner(z) - 1000,
    }
    constraint = ball("linf", 1.05 * float(linf.max()))
    found = attack(altered[change], x, y, "linf", constraint.radius).points
    assert broken(inner, found, y).all()


def test_the_loss_of_pgd_has_the_direction_of_the_cross_entropy() -> None:
    logits = torch.randn(6, 5, dtype=torch.float64, requires_grad=True)
    y = torch.tensor([0, 1, 2, 3, 4, 0])
    wanted = torch.ones(6, 5, dtype=torch.bool)
    wanted[torch.arange(6), y] = False
    entropy = torch.nn.functional.cross_entropy(logits, y, reduction="sum")
    (first,) = torch.autograd.grad(entropy, logits)
    (second,) = torch.autograd.grad(log_odds(logits, wanted, wanted).sum(), logits)
    cosine = torch.nn.functional.cosine_similarity(first, second)
    assert torch.allclose(cosine, torch.ones(6, dtype=torch.float64))


def test_the_difference_ratio_does_not_change_with_scale_and_shift() -> None:
    logits = torch.randn(6, 5, dtype=torch.float64)
    wanted = torch.ones(6, 5, dtype=torch.bool)
    wanted[:, 0] = False
    before = difference_ratio(logits, wanted, wanted)
    assert torch.allclose(before, difference_ratio(7 * logits - 1000, wanted, wanted))
    two = difference_ratio(logits[:, :2], wanted[:, :2], wanted[:, :2])
    assert torch.allclose(two, logits[:, 1] - logits[:, 0])  # no third class: the difference


def test_the_checkpoints_of_apgd_are_those_of_the_paper() -> None:
    assert list(_list_checkpoints(100)) == [22, 41, 57, 70, 80, 87, 93, 99]


def test_the_first_attempt_of_apgd_is_drawn_by_every_wrong_class() -> None:
    """The cross-entropy sees a class behind the best wrong one, of which a ratio knows nothing."""

    def network(x: Any) -> Any:
        z = x.flatten(1)
        dead = 0.9 - 0.001 * (z[:, 0] - 0.5).abs()
        near = 0.5 - 10 * torch.relu(0.5 - z[:, 1]) + 2 * (z[:, 1] - 0.5)
        far = torch.full_like(dead, -5.0)
        return torch.stack([torch.ones_like(dead), dead, near, far], dim=1)

    x = torch.full((4, 1, 1, 2), 0.5, dtype=torch.float64)
    y = torch.zeros(4, dtype=torch.int64)
    assert apgd(network, x, y, "linf", 0.4, targets=0, steps=20).success.all()


def hills(x: Any, classes: int = 2) -> Any:
    """A hill on the left has its top below 0, a higher one on the right reaches above."""
    z = x.flatten(1)[:, 0]
    height = -0.1 - (z - 0.35).abs() + 2 * torch.relu(z - 0.6)
    others = [torch.full_like(z, -5.0)] * (classes - 2)
    return torch.stack([torch.zeros_like(z), height, *others], dim=1)


def test_attempts_towards_the_only_wanted_class_begin_elsewhere() -> None:
    x = torch.full((40, 1, 1, 1), 0.5, dtype=torch.float64)
    y = torch.zeros(40, dtype=torch.int64)

    def reached(targets: int) -> Any:
        def network(x: Any) -> Any:
            return hills(x, classes=5)

        return apgd(network, x, y, "linf", 0.5, target=y + 1, targets=targets, steps=3).success

    assert not reached(1).any()
    assert reached(9).mean() > 0.9


def test_restarts_find_what_one_climb_misses() -> None:
    x = torch.full((40, 1, 1, 1), 0.5, dtype=torch.float64)
    y = torch.zeros(40, dtype=torch.int64)
    assert broken(hills, torch.ones(1, 1, 1, 1), y[:1])[0]
    once = broken(hills, pgd(hills, x, y, "linf", 0.5, restarts=0).points, y)
    often = broken(hills, pgd(hills, x, y, "linf", 0.5, restarts=12).points, y)
    assert not once.any()
    assert often.mean() > 0.95


def test_apgd_gains_by_attempts_towards_one_class() -> None:
    """The nearest class by score is a dead end; another one, the other way, can be reached."""

    def network(x: Any) -> Any:
        z = x.flatten(1)[:, 0] - 0.5
        dead, near, far = 0.8 - 0.1 * z, 10 * z - 1, torch.full_like(z, -5.0)
        return 20 * torch.stack([torch.ones_like(z), dead, near, far], dim=1)

    x = torch.full((4, 1, 1, 1), 0.5, dtype=torch.float64)
    y = torch.zeros(4, dtype=torch.int64)
    without = apgd(network, x, y, "linf", 0.4, targets=0, steps=20)
    with_targets = apgd(network, x, y, "linf", 0.4, targets=3, steps=20)
    assert not without.success.any()
    assert with_targets.success.all()
    assert broken(network, with_targets.points, y).all()


@BOTH
def test_solved_inputs_leave_the_batch(attack: Any) -> None:
    weights, bias = linear()
    rows = [0, 0]

    def count(forward: int, backward: int) -> None:
        rows[0] += forward
        rows[1] += backward

    x = images(50)
    y, linf, _ = margins(weights, bias, x)
    network = linear_network(weights, bias, count)
    radius = 3 * float(linf.max())
    found = attack(network, torch.as_tensor(x), torch.as_tensor(y), "linf", radius)
    assert 50 <= rows[1] < 50 * 15
    assert rows[0] == rows[1] + 1  # and one look at how many classes there are
    assert found.passes.sum() == rows[1]


@BOTH
def test_no_inputs_are_no_error(attack: Any) -> None:
    network, x, y, *_ = tensors()
    assert len(attack(network, x[:0], y[:0], "l2", 1.0).points) == 0


def broadcast(n: int, seed: int) -> Any:
    """Images far enough from the boundary that steps of 1/255 are small."""
    return 0.5 + 6 * (images(n, seed) - 0.5)


# ---- in the game ---------------------------------------------------------------------------------


@pytest.mark.requirement("S23", "S43")
@pytest.mark.parametrize("attack", [Pgd(), Apgd()], ids=["pgd", "apgd"])
@pytest.mark.parametrize("task", ["any-wrong-linf", "any-wrong-l2"])
def test_what_counts_is_rounded_verified_and_near_the_smallest(attack: Any, task: str) -> None:
    weights, bias = linear(classes=2)
    app = application(weights, bias, draw=broadcast)
    question = dealt(app, task).question
    answer, access = attacked(attack, app, question, queries=0)
    assert set(answer.endings) == {Ending.BROKEN}
    assert question.constraint.allows(question.x, answer.x).all()
    labels = (answer.x.reshape(len(answer.x), -1) @ weights.T + bias).argmax(axis=1)
    assert question.goal.reached(labels).all()
    _, linf, l2 = margins(weights, bias, question.x)
    exact = linf if task.endswith("linf") else l2
    assert np.median(question.constraint.size(question.x, answer.x) / exact) < 1.25
    assert access.spent.queries == 0
    assert access.spent.backward > 0


@pytest.mark.parametrize("attack", [Pgd(steps=5), Apgd(steps=5)], ids=["pgd", "apgd"])
def test_results_do_not_depend_on_how_a_batch_is_cut(attack: Any) -> None:
    app = application(*linear(classes=3))
    question = part(dealt(app, "any-wrong-l2").question, range(12))
    whole, _ = attacked(attack, app, question, queries=0)
    order = np.random.default_rng(1).permutation(12)
    shuffled, _ = attacked(attack, app, part(question, order), queries=0)
    assert np.allclose(shuffled.x, whole.x[order])


def test_a_target_without_a_differentiable_form_is_refused_with_the_reason() -> None:
    from dataclasses import replace

    app = application(*linear())

    class Opaque:
        offers = app.target.offers
        answer = app.target.answer

        def network(self, count: Any) -> Any:
            raise NotOffered("it is a table of answers")

    unfit = Pgd().unfit(replace(app, target=Opaque()))  # type: ignore[arg-type]
    assert unfit is not None
    assert "table of answers" in unfit.reason
    assert Pgd().unfit(app) is None


@BOTH
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_what_is_found_does_not_depend_on_how_a_batch_is_cut(attack: Any, norm: Any) -> None:
    """Restarts and flat gradients are random: by the content of an input, not by its place."""
    network, x, y, linf, l2 = tensors(3)
    radius = 0.9 * float(np.median(linf if norm == "linf" else l2))
    whole = attack(network, x, y, norm, radius, steps=5)
    order = torch.as_tensor(np.random.default_rng(0).permutation(len(x)))
    for rows in (order[:5], order[5:6], order[6:]):
        part_found = attack(network, x[rows], y[rows], norm, radius, steps=5)
        assert torch.allclose(part_found.points, whole.points[rows], atol=1e-12)
        assert (part_found.success == whole.success[rows.numpy()]).all()
        assert (part_found.passes == whole.passes[rows.numpy()]).all()


@BOTH
def test_an_aimed_attack_reaches_the_class_it_aims_at(attack: Any) -> None:
    network, x, y, *_ = tensors(4)
    aim = (y + 1) % 4
    found = attack(network, x, y, "linf", 0.45, target=aim)
    reached = (network(found.points).argmax(dim=1) == aim).numpy()
    assert reached.all()
    assert (reached == found.success).all()


@BOTH
def test_distance_and_range_are_those_that_were_asked_for(attack: Any) -> None:
    """Inputs of 0 to 255: the same network in other units, and the same points in them."""
    network, x, y, linf, _ = tensors(2)
    radius = 1.05 * float(linf.max())
    one = attack(network, x, y, "linf", radius)
    other = attack(lambda z: network(z / 255), 255 * x, y, "linf", 255 * radius, high=255.0)
    assert (one.success == other.success).all()
    assert np.allclose(255 * one.distance, other.distance, rtol=1e-6)


@BOTH
def test_the_parameters_of_the_network_get_no_gradient(attack: Any) -> None:
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2))
    x = torch.as_tensor(images(4), dtype=torch.float32)
    attack(network, x, torch.zeros(4, dtype=torch.int64), "l2", 0.1)
    assert all(p.grad is None for p in network.parameters())


@BOTH
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"norm": "l1"}, "norm is 'linf' or 'l2', given 'l1'"),
        ({"radius": 0.0}, "radius must be above 0"),
        ({"y": torch.zeros(3)}, "y holds one class index"),
        ({"target": torch.zeros(3, dtype=torch.int64)}, "target holds one class index"),
    ],
)
def test_what_does_not_fit_is_named(attack: Any, change: dict[str, Any], words: str) -> None:
    network, x, y, *_ = tensors(2)
    given = {"y": y, "norm": "linf", "radius": 0.1} | change
    with pytest.raises(DataError, match=words):
        attack(network, x, **given)
