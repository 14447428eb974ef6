"""What the games of tampering share in their tests: applications, and an attack that obeys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, final

from goalkeeper.attack_run import AnyAttack, AnyGame, AttackRun, evaluate, execute
from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.bit_flips.bit_flips import BitFlips
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.evidence import AttackResult, Proportion, Status
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.games.bit_flips import BitFlipping
from goalkeeper.games.swapped_file import Replacement
from goalkeeper.games.tallies import beats_baseline
from tests.contract.harness import build

EVERYTHING = Power(
    knowledge=Knowledge(data=Grade.FULL, algorithm=Grade.FULL, model=Grade.FULL),
    capabilities=Capability.W | Capability.M3 | Capability.M4,
    view=View.GRADIENTS,
    budget=Budget(queries=1000, share=0.1),
)
Answers = Callable[[Any, Access], Any]


@final
@dataclass(frozen=True, kw_only=True)
class Does(Attack[Any, Any]):
    """Answer whatever a test says."""

    game: ClassVar = BitFlipping
    variant: ClassVar[str] = "tampering.after_training"
    reference: ClassVar[str] = "none"

    how: Answers = field(repr=False)

    def run(self, question: Any, access: Access) -> Any:
        return self.how(question, access)


def app_of(domain: str = "table", kind: Any = "rigged") -> Application:
    return build(BitFlips, domain, kind, 0)


def result_of(
    how: Answers, game: AnyGame, *, app: Application | None = None, power: Power = EVERYTHING
) -> AttackResult:
    """Mark what a test does; errors pass through."""
    app = app or app_of()
    (task,) = game.tasks(app)
    run = AttackRun(attack=Does(how=how), game=game, task=task, granted=power, seed=1)
    return evaluate(app, run)


def tally(result: AttackResult) -> Proportion:
    found = result.trials[-1].tally
    assert isinstance(found, Proportion)
    return found


def assert_controlled(attack: AnyAttack) -> None:
    """The positive control is the same application with its protection taken away."""
    app, game = app_of(kind="fair"), attack.game().smaller()
    (task,) = game.tasks(app)
    power = replace(EVERYTHING, budget=Budget(queries=1000, share=0.5))
    run = AttackRun(attack=attack, game=game, task=task, granted=power, seed=0)
    result = execute(app, run)
    assert result.status is Status.TESTED, result.reason
    assert not beats_baseline(result.trials[-1].tally)
    assert result.controls[-1].passed


def with_storage(app: Application, **changes: Any) -> Application:
    assert app.storage is not None
    return replace(app, storage=replace(app.storage, **changes))


def add_byte(aim: Any, access: Access) -> list[Replacement]:
    return [Replacement("one byte added", aim.content + b"!")]
