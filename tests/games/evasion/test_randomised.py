"""Applications that answer the same input differently: chance is no success, and hides none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
nn = torch.nn

from goalkeeper.attack_run import AttackRun, execute  # noqa: E402
from goalkeeper.attacks.evasion._driver import _count_earlier  # noqa: E402
from goalkeeper.attacks.evasion.apgd import Apgd  # noqa: E402
from goalkeeper.attacks.evasion.hop_skip_jump import HopSkipJump  # noqa: E402
from goalkeeper.attacks.evasion.square import Square  # noqa: E402
from goalkeeper.core.evidence import AttackResult, Proportion, Status  # noqa: E402
from goalkeeper.games.evasion import Evasion  # noqa: E402
from goalkeeper.games.evasion.asking import REPEATS, observe_repetition  # noqa: E402
from goalkeeper.games.evasion.goals import build_goal  # noqa: E402
from goalkeeper.games.evasion.parts import Repetition  # noqa: E402
from goalkeeper.games.tallies import bounds  # noqa: E402
from tests.attacks.evasion import masked_networks as networks  # noqa: E402
from tests.contract.harness import enough  # noqa: E402


class Coin(nn.Module):  # type: ignore[misc, name-defined]
    """Draws a wrong class with some probability: for each row, for a batch, or if it is new."""

    def __init__(self, wrong: float, *, of: str = "row") -> None:
        super().__init__()
        self.inner, self.wrong, self.of = networks.base(), wrong, of
        self.known = {row.tobytes() for row in networks.digits().holdout.x.astype(np.float32)}
        self.chance = torch.Generator().manual_seed(0)

    def forward(self, x: Any) -> Any:
        drawn = torch.rand(1 if self.of == "batch" else len(x), generator=self.chance)
        lies = (drawn < self.wrong).expand(len(x))
        if self.of == "new":
            rows = x.detach().numpy()
            lies = lies & torch.tensor([row.tobytes() not in self.known for row in rows])
        z = self.inner(x)
        return torch.where(lies[:, None], z.roll(1, dims=1), z)


def attacked(module: Any, attack: Any, radius: float, n: int = 40) -> AttackResult:
    app, game = networks.application(module, radius), Evasion(n=n)
    granted = enough(type(attack), queries=200)
    task = game.tasks(app)[0]
    return execute(app, AttackRun(attack=attack, game=game, task=task, granted=granted, seed=0))


def last(result: AttackResult) -> Proportion:
    tally = result.trials[-1].tally
    assert isinstance(tally, Proportion)
    return tally


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        ("row", Repetition(asks=REPEATS)),
        ("batch", Repetition(asks=REPEATS, alone=True)),
        ("new", Repetition()),
    ],
)
def test_chance_that_a_batch_shares_is_told_from_chance_of_each_input(
    of: str, expected: Repetition
) -> None:
    app = networks.application(Coin(0.3, of=of))
    held = app.data.holdout
    goal = build_goal(app, Evasion().tasks(app)[0], held.y)
    right = np.flatnonzero(~goal.reached(networks_labels(held.x)))
    reached = np.zeros(len(right), dtype=bool)
    assert observe_repetition(app, held.x[right], goal, right, reached) == expected


def networks_labels(x: Any) -> Any:
    with torch.no_grad():
        return networks.base()(torch.tensor(np.array(x), dtype=torch.float32)).argmax(1).numpy()


@pytest.mark.parametrize("of", ["row", "batch", "new"])
@pytest.mark.parametrize("attack", [Square(), HopSkipJump()], ids=["square", "hop_skip_jump"])
def test_chance_is_no_success(attack: Any, of: str) -> None:
    """One answer in four is wrong whatever is sent, and the changes are too small to matter."""
    result = attacked(Coin(0.25, of=of), attack, 1.5 / 255)
    assert bounds(last(result), 0.05).low <= 0
    assert last(result).successes <= 4  # of 40; a majority of nine is wrong one time in twenty
    if of != "new":
        assert any("majority of 9 answers" in caveat for caveat in result.caveats)


def test_an_attack_that_takes_each_answer_for_certain_proves_nothing() -> None:
    result = attacked(Coin(0.25), HopSkipJump(), 0.1)
    assert result.status is Status.CONTROL_FAILED
    assert "answers the same input differently" in result.reason


@pytest.mark.validation
@pytest.mark.parametrize("name", networks.randomised())
def test_chance_hides_no_success_from_whoever_averages(name: str) -> None:
    """All but a few inputs fall without the noise; by single answers a fifth was lost."""
    result = attacked(networks.randomised()[name](), Apgd(steps=40, targets=1), 0.2, n=60)
    tally = last(result)
    assert result.status is Status.TESTED
    assert tally.successes >= 0.9 * tally.n


def test_equal_values_are_counted_in_their_order() -> None:
    assert _count_earlier(np.array([3, 1, 3, 3, 1, 0])).tolist() == [0, 0, 1, 2, 1, 0]
    assert _count_earlier(np.zeros(0, dtype=np.int64)).tolist() == []
