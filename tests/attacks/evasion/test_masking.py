"""Masked gradients are gone round or named, and honest networks raise no false alarm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
nn = torch.nn

from goalkeeper.attack_run import AttackRun, execute  # noqa: E402
from goalkeeper.attacks.evasion._gradient_checks import inspect  # noqa: E402
from goalkeeper.attacks.evasion.apgd import Apgd  # noqa: E402
from goalkeeper.attacks.evasion.hop_skip_jump import HopSkipJump  # noqa: E402
from goalkeeper.attacks.evasion.pgd import Pgd  # noqa: E402
from goalkeeper.core.evidence import (  # noqa: E402
    AttackResult,
    Evidence,
    Proportion,
    Requirement,
    Status,
    Trial,
)
from goalkeeper.games.evasion import Evasion  # noqa: E402
from goalkeeper.rate import join_evidence  # noqa: E402
from tests.attacks.evasion import masked_networks as networks  # noqa: E402
from tests.contract.harness import enough  # noqa: E402

FEW = ("saturated softmax", "input rounded", "logits rounded", "gradient flipped")
LEAST_WITHSTOOD = 0.05  # of the range of values: here most inputs do withstand
ATTACKS = [Pgd(), Apgd()]


def attacked(
    module: Any, attack: Any, radius: float = networks.RADIUS, n: int = 24
) -> AttackResult:
    app, game = networks.application(module, radius), Evasion(n=n)
    run = AttackRun(
        attack=attack,
        game=game,
        task=game.tasks(app)[0],
        granted=enough(type(attack), queries=300),
        seed=0,
    )
    return execute(app, run)


def last(result: AttackResult) -> Proportion:
    tally = result.trials[-1].tally
    assert isinstance(tally, Proportion)
    return tally


def useful(module: Any) -> Any:
    app = networks.application(module)
    x, y = app.data.holdout.x[:40], torch.tensor(np.array(app.data.holdout.y[:40]))
    wanted = torch.ones(40, 10, dtype=torch.bool).scatter(1, y[:, None], value=False)
    network = app.target.network(lambda forward, backward: None)  # type: ignore[attr-defined]
    return inspect(network, torch.tensor(np.array(x), dtype=torch.float32), wanted, 0.0, 1.0)


def broken_or_flagged(result: AttackResult) -> bool:
    """Whether nothing is said to withstand of what does not, 24 of 24."""
    tally = last(result)
    return result.status is Status.CONTROL_FAILED or tally.successes == tally.n


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("attack", ATTACKS, ids=["pgd", "apgd"])
def test_what_a_masking_hides_is_found_or_the_control_fails(attack: Any, name: str) -> None:
    result = attacked(networks.masked()[name](), attack)
    assert broken_or_flagged(result)
    gradient = next(c for c in result.controls if c.name.startswith("the gradient"))
    assert "gradients are masked" in gradient.detail


@pytest.mark.validation
@pytest.mark.parametrize("name", networks.masked())
@pytest.mark.parametrize("attack", ATTACKS, ids=["pgd", "apgd"])
def test_every_planted_masking_is_gone_round_or_flagged(attack: Any, name: str) -> None:
    assert broken_or_flagged(attacked(networks.masked()[name](), attack))


@pytest.mark.parametrize("name", ["plain", "scale 1e6", "shift 1e6", "softmax", "float64"])
def test_an_honest_network_is_climbed_as_it_is(name: str) -> None:
    found = useful(networks.honest()[name]())
    assert found.own.useful
    assert found.way == ""


@pytest.mark.validation
@pytest.mark.parametrize("name", networks.honest())
@pytest.mark.parametrize("attack", ATTACKS, ids=["pgd", "apgd"])
def test_no_honest_network_is_flagged(attack: Any, name: str) -> None:
    module = networks.honest()[name]()
    found = useful(module)
    assert (found.own.useful, found.way) == (True, "")
    assert attacked(module, attack, LEAST_WITHSTOOD).status is Status.TESTED


def test_where_inputs_withstand_an_unlimited_radius_proves_the_attack() -> None:
    result = attacked(networks.base(), Pgd(), LEAST_WITHSTOOD)
    tally = last(result)
    assert result.status is Status.TESTED
    assert tally.successes < tally.n
    control = next(c for c in result.controls if c.name.startswith("without a limit"))
    assert control.passed
    assert control.proves
    assert not any("weakened" in c.name for c in result.controls)


class Stubborn(nn.Module):  # type: ignore[misc, name-defined]
    """A network that nothing here sees through: it is flat but for one leap."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = networks.base()

    def forward(self, x: Any) -> Any:
        coarse = torch.tensor(np.round(x.detach().numpy() * 1.4) / 1.4)
        z = self.inner(coarse).detach().numpy()
        return torch.tensor(np.eye(10, dtype=np.float32)[z.argmax(axis=1)])


@pytest.mark.validation
def test_a_masking_that_nothing_goes_round_is_a_failed_control() -> None:
    result = attacked(Stubborn(), Pgd(steps=10, restarts=0), LEAST_WITHSTOOD)
    assert result.status is Status.CONTROL_FAILED
    assert "gradients are masked, probably by rounding" in result.reason


def test_a_constant_network_is_not_called_masked() -> None:
    class Constant(nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            return torch.zeros(len(x), 10) + torch.eye(10)[3]

    found = useful(Constant())
    assert found.constant
    assert found.report().passed


@pytest.mark.parametrize("one_hot", [False, True], ids=["scores", "one-hot"])
def test_a_network_without_gradients_is_attacked_all_the_same(one_hot: bool) -> None:  # noqa: FBT001
    result = attacked(networks.Silent(one_hot=one_hot), Pgd())
    assert last(result).successes == last(result).n
    black_box = attacked(networks.Silent(one_hot=one_hot), HopSkipJump(), n=20)
    assert black_box.status is not Status.FAILED_TO_RUN


def test_a_network_of_class_numbers_is_refused_with_the_reason() -> None:
    class Numbers(nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            return networks.base()(x).argmax(1)

    unfit = Pgd().unfit(networks.application(Numbers()))
    assert unfit is not None
    assert "class numbers" in unfit.reason


# ---- inputs on which the network fails -----------------------------------------------------------


def failing(how: str) -> Any:
    """A network that fails on brightened images of some digits only."""
    # More than one in twenty: they are not left out, but the control fails.

    class Failing(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inner = networks.base()

        def forward(self, x: Any) -> Any:
            odd = x[:, 0, 0, 0] > 0.03  # the corner is black in every image
            odd &= x[:, 0, :, 0].amax(dim=1) < 0.4  # and all of its side is dark
            odd &= x[:, 0, 4, 4] > 0.5
            if how == "raises" and bool(odd.any()):
                raise ValueError("cannot read this image")
            return torch.where(odd[:, None], torch.nan, self.inner(x))

    return Failing()


@pytest.mark.parametrize("how", ["raises", "nan"])
@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(Pgd(), id="pgd"),
        pytest.param(HopSkipJump(), id="hop_skip_jump", marks=pytest.mark.validation),
    ],
)
def test_an_input_on_which_the_network_fails_costs_that_input_only(attack: Any, how: str) -> None:
    result = attacked(failing(how), attack)
    assert result.status is not Status.FAILED_TO_RUN
    tally = last(result)
    assert tally.successes >= 5
    assert result.status is Status.CONTROL_FAILED
    assert "failed on changes of" in result.reason
    assert tally.n == 24  # what fails makes no success more likely


@pytest.mark.validation
def test_failing_is_neither_a_success_nor_withstanding() -> None:
    """Every change makes it fail: nothing is known, and nothing is claimed."""

    class Refusing(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.seen = networks.base(), networks.digits().holdout.x.reshape(-1, 64)

        def forward(self, x: Any) -> Any:
            known = {row.tobytes() for row in self.seen.astype(np.float32)}
            rows = x.detach().reshape(len(x), -1).numpy()
            new = torch.tensor([row.tobytes() not in known for row in rows])
            new &= x[:, 0, :, 0].amax(dim=1) < 0.4  # no random pattern, by which outputs are read
            return torch.where(new[:, None], torch.nan, self.inner(x))

    result = attacked(Refusing(), Pgd())
    assert last(result).successes == 0
    assert result.status is Status.CONTROL_FAILED


def test_a_single_input_on_which_it_fails_is_left_out_and_told() -> None:
    splits = networks.digits()
    odd: list[Any] = []

    class Once(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inner = networks.base()

        def forward(self, x: Any) -> Any:
            if not odd:
                return self.inner(x)
            near = (x - odd[0]).abs().flatten(1).amax(dim=1) < 0.25
            return torch.where(near[:, None] & ~(x == odd[0]).flatten(1).all(1)[:, None],
                               torch.nan, self.inner(x))  # fmt: skip

    app, game = networks.application(Once()), Evasion(n=24)
    run = AttackRun(attack=Pgd(), game=game, task=game.tasks(app)[0], granted=enough(Pgd), seed=0)
    dealt = game.deal(app, run.task, np.random.default_rng(run.rng("game")))
    assert len(splits.holdout)
    odd.append(torch.tensor(np.array(dealt.question.x[0]), dtype=torch.float32))
    result = execute(app, run)
    assert (last(result).successes, last(result).n) == (23, 23)
    assert any("failed on 1 inputs" in c for c in result.caveats)


@pytest.mark.parametrize("name", networks.randomised())
def test_a_randomised_network_is_climbed_by_the_mean_of_its_answers(name: str) -> None:
    found = useful(networks.randomised()[name]())
    assert found.varies
    assert "mean of several passes" in found.way
    assert "answers at random" in found.report().detail


# ---- evidence of several attacks -----------------------------------------------------------------


def evidence_of(attack: str, view: str, successes: int, n: int = 40) -> Evidence:
    tally = Proportion(successes=successes, n=n, baseline_successes=0, baseline_n=n)
    return Evidence(
        id=f"E{attack}",
        attack=attack,
        task="any-wrong-linf",
        game="evasion",
        family="evasion",
        variant="evasion.gradient",
        attacker="insider",
        box="white",
        goals=(),
        metric="success_rate",
        requires=Requirement(
            knowledge={},
            view=view,
            expertise="expert",
            equipment="standard",
            window="easy",
            queries_per_day=1,
            identities=1,
        ),
        result=AttackResult(
            status=Status.TESTED,
            threat="at Linf 0.1",
            trials=(Trial(budget=1, queries=1, tally=tally),),
        ),
    )


def test_gradients_that_find_less_than_labels_are_masked() -> None:
    labels, gradients = evidence_of("label", "labels", 12), evidence_of("gradient", "gradients", 4)
    joined = join_evidence([labels, gradients])
    assert [e.status for e in joined] == [Status.TESTED, Status.CONTROL_FAILED]
    assert "12 of 40" in joined[1].result.reason
    nearly = join_evidence([labels, evidence_of("gradient", "gradients", 11)])
    assert {e.status for e in nearly} == {Status.TESTED}
