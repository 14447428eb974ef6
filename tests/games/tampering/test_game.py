"""The tampering game: flips that can be worked out, files that are noticed or not, trainings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import MultinomialNB

from goalkeeper.attack_run import AttackRun, evaluate, execute
from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.tampering.batch_order import BatchOrder
from goalkeeper.attacks.tampering.bit_flips import BitFlips
from goalkeeper.attacks.tampering.loss_weights import LossWeights
from goalkeeper.attacks.tampering.seed_choice import SeedChoice
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Ints
from goalkeeper.core.errors import ChangeRefused, DataError, NotGranted, TargetError
from goalkeeper.core.evidence import AttackResult, Proportion, Status
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.games.base import Task
from goalkeeper.games.tallies import won
from goalkeeper.games.tampering import Flip, Replacement, Steering, Tampering
from goalkeeper.games.tampering.game import CODE, FLIPS, SWAP, TRAINING
from goalkeeper.games.tampering.worlds import COPIES, StoredTarget
from goalkeeper.training import SklearnTrainer
from tests.contract.harness import build, task_of

EVERYTHING = Power(
    knowledge=Knowledge(data=Grade.FULL, algorithm=Grade.FULL, model=Grade.FULL),
    capabilities=Capability.W | Capability.M3 | Capability.M4,
    view=View.GRADIENTS,
    budget=Budget(queries=1000, share=0.1),
)
Plays = Callable[[Any, Access], Any]


@final
@dataclass(frozen=True, kw_only=True)
class Does(Attack[Any, Any]):
    """Play whatever a test says."""

    game: ClassVar = Tampering
    variant: ClassVar[str] = "tampering.after_training"
    reference: ClassVar[str] = "none"

    how: Plays = field(repr=False)

    def run(self, question: Any, access: Access) -> Any:
        return self.how(question, access)


def app_of(domain: str = "table", kind: Any = "rigged") -> Application:
    return build(BitFlips, domain, kind, 0)


def run_of(how: Plays, app: Application, task: str, power: Power, game: Tampering) -> AttackRun:
    return AttackRun(
        attack=Does(how=how), game=game, task=task_of(Does, app, task), granted=power, seed=1
    )


def result_of(
    how: Plays, task: str, *, app: Application | None = None, power: Power = EVERYTHING
) -> AttackResult:
    """Mark what a test does; errors pass through."""
    app = app or app_of()
    return evaluate(app, run_of(how, app, task, power, Tampering().smaller()))


def tally(result: AttackResult) -> Proportion:
    found = result.trials[-1].tally
    assert isinstance(found, Proportion)
    return found


def fixed(app: Application, weights: list[float], bias: float) -> Application:
    """Give the application a rule of given numbers, and true classes by that rule."""
    rows = np.zeros((1, len(weights))), np.zeros(1)
    target = StoredTarget(np.vstack([rows[0], np.array(weights)[None]]), np.array([0.0, bias]))
    holdout = app.data.holdout
    labelled = replace(holdout, y=target.answer(holdout.x, View.LABELS).labels)
    return replace(app, target=target, data=replace(app.data, holdout=labelled))


# ---- flips ---------------------------------------------------------------------------------------


@pytest.mark.requirement("S24")
def test_one_flipped_sign_can_be_worked_out() -> None:
    """With x in [0, 1] and the rule x0 > 1/2, the sign of the bias makes every input class 1."""
    app = fixed(app_of(), [1.0] + [0.0] * 7, -0.5)
    harmless = int((app.data.holdout.y == 0).sum())
    game = replace(Tampering(), counts=(1,))
    how = run_of(lambda aim, access: [Flip("bias", 1, 63)], app, FLIPS, EVERYTHING, game)
    result = evaluate(app, how)
    assert tally(result).successes == harmless
    assert tally(result).n == len(app.data.holdout)
    assert result.measurements[0].metric == "success_rate"
    assert "-0.5 becomes 0.5" in result.exhibits[0].after


def test_the_lowest_bit_changes_nothing() -> None:
    result = result_of(lambda aim, access: [Flip("weights", 0, 0)], FLIPS)
    assert tally(result).successes == 0
    assert "0.0% with 1 chosen bit" in result.summary


@pytest.mark.parametrize(
    ("flips", "said"),
    [
        ([Flip("weights", 10**6, 0)], "there is no bit"),
        ([Flip("weights", 0, 64)], "there is no bit"),
        ([Flip("vocabulary", 0, 0)], "there is no bit"),
        ([Flip("bias", 0, 3)] * 2, "twice"),
    ],
)
def test_flips_of_bits_that_are_not_there_are_refused(flips: list[Flip], said: str) -> None:
    with pytest.raises(ChangeRefused, match=said):
        result_of(lambda aim, access: flips, FLIPS)


def test_no_flip_at_all_is_an_answer() -> None:
    result = result_of(lambda aim, access: [], FLIPS)
    assert tally(result).successes == 0
    assert not won(tally(result))
    assert "No flip" in result.summary


@pytest.mark.requirement("S24")
def test_a_number_that_is_none_is_told_and_not_counted_where_the_model_fails() -> None:
    """The highest exponent bit of 1.5 makes it no number; this application notices."""

    class Careful(StoredTarget):
        def answer(self, x: Any, view: View) -> Any:
            if not np.isfinite(self.weights).all():
                raise TargetError("a weight is no number")
            return super().answer(x, view)

        def with_parameters(self, parameters: Mapping[str, Any]) -> StoredTarget:
            return Careful(parameters["weights"], parameters["bias"])

    app = fixed(app_of(), [1.5] + [0.0] * 7, -0.5)
    assert isinstance(app.target, StoredTarget)
    flip = Flip("weights", 8, 62)
    careless = result_of(lambda aim, access: [flip], FLIPS, app=app)
    assert any("1 of the flipped numbers are infinite or no numbers" in c for c in careless.caveats)
    careful = replace(app, target=Careful(app.target.weights, app.target.bias))
    noticed = result_of(lambda aim, access: [flip], FLIPS, app=careful)
    assert tally(noticed).successes == 0
    assert any("fails visibly" in c for c in noticed.caveats)


def test_copies_outvote_any_twenty_flips() -> None:
    """The control that nobody can beat: even all twenty flips of one number leave the median."""
    app = app_of(kind="fair")
    assert isinstance(app.target, StoredTarget)
    inner = app.target.weights[0].size
    flips = [Flip("weights", copy * inner, 62) for copy in range(20)]
    assert 2 * len(flips) < COPIES
    game = Tampering()
    result = evaluate(app, run_of(lambda aim, access: flips, app, FLIPS, EVERYTHING, game))
    assert [t.budget for t in result.trials] == [1, 2, 5, 10, 20]
    assert all(t.tally.successes == 0 for t in result.trials)  # type: ignore[union-attr]


def test_a_model_whose_numbers_cannot_be_rewritten_is_not_tested() -> None:
    app = app_of()
    trained = LogisticRegression().fit(app.data.train.x, app.data.train.y)

    class Closed:
        offers = View.LABELS

        def parameters(self) -> Any:
            return {"weights": trained.coef_}

    task = task_of(Does, app, FLIPS)
    unfit = Tampering().unfit(replace(app, target=Closed()), task)  # type: ignore[arg-type]
    assert unfit is not None
    assert not unfit.proven
    assert "cannot be rewritten" in unfit.reason


# ---- files ---------------------------------------------------------------------------------------


def last_byte(aim: Any, access: Access) -> list[Replacement]:
    return [Replacement("one byte added", aim.content + b"!")]


def stored(app: Application, **changes: Any) -> Application:
    assert app.storage is not None
    return replace(app, storage=replace(app.storage, **changes))


@pytest.mark.requirement("S24")
def test_without_a_check_nothing_notices_and_the_summary_says_so() -> None:
    result = result_of(last_byte, SWAP)
    assert tally(result) == Proportion(successes=1, n=1, baseline_successes=0, baseline_n=1)
    assert result.summary.startswith("Nothing checks the stored model")
    assert any("no check of the stored model is described" in c for c in result.caveats)


@pytest.mark.requirement("S24")
def test_a_hash_that_is_kept_apart_notices_every_changed_byte() -> None:
    result = result_of(last_byte, SWAP, app=app_of(kind="fair"))
    assert tally(result).successes == 0
    assert "noticed by the declared check" in result.measurements[1].note


def test_a_check_that_raises_has_noticed_and_the_genuine_file_must_pass() -> None:
    app = app_of()
    assert app.storage is not None
    genuine = app.storage.read()

    def raising(path: Path) -> bool:
        if path.read_bytes() != genuine:
            raise RuntimeError("forged")
        return True

    result = result_of(last_byte, SWAP, app=stored(app, check=raising, protection="own"))
    assert "the check raised RuntimeError" in result.measurements[1].note
    refusing = stored(app, check=lambda path: False, protection="own")
    result = result_of(last_byte, SWAP, app=refusing)
    assert result.status is Status.NOT_TESTED
    assert "does not even start" in result.reason


def test_a_file_that_cannot_be_loaded_was_noticed() -> None:
    result = result_of(lambda aim, access: [Replacement("half", aim.content[:40])], SWAP)
    assert result.status is Status.NOT_TESTED  # what cannot be read to its end is never opened
    app = app_of()

    def failing(path: Path) -> Any:
        if path.read_bytes().endswith(b"!"):
            raise ValueError("trailing bytes")
        assert app.storage is not None
        return app.storage.load(path)

    result = result_of(last_byte, SWAP, app=stored(app, load=failing))
    assert tally(result).successes == 0
    assert "loading raised ValueError" in result.measurements[1].note


def test_a_swapped_file_that_names_new_code_is_never_loaded() -> None:
    opened: list[Path] = []
    app = app_of()
    assert app.storage is not None
    load = app.storage.load

    def watched(path: Path) -> Any:
        opened.append(path)
        return load(path)

    code = b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R."
    files = [Replacement("code", code)]
    result = result_of(lambda aim, access: files, SWAP, app=stored(app, load=watched))
    assert result.status is Status.NOT_TESTED
    assert len(opened) == 1  # the genuine copy
    planted = result_of(lambda aim, access: files, CODE, app=stored(app, load=watched))
    assert tally(planted).successes == 1
    assert len(opened) == 1


def test_the_users_file_is_never_touched_and_nothing_is_left(tmp_path: Path) -> None:
    app = app_of()
    assert app.storage is not None
    file = tmp_path / "model.joblib"
    file.write_bytes(app.storage.read())
    before = file.read_bytes()
    seen: list[Path] = []

    def check(path: Path) -> bool:
        seen.append(path)
        return True

    result_of(last_byte, SWAP, app=stored(app, read=file.read_bytes, check=check))
    assert file.read_bytes() == before
    assert seen
    assert not any(path.exists() for path in seen)
    assert file not in seen


def test_answers_that_are_no_tampering_are_refused() -> None:
    with pytest.raises(DataError, match="differs from the genuine one"):
        result_of(lambda aim, access: [Replacement("same", aim.content)], SWAP)
    with pytest.raises(DataError, match="plants no code"):
        result_of(last_byte, CODE)


@pytest.mark.requirement("S24")
def test_formats_that_run_no_code_are_proven_unfit_for_planted_code() -> None:
    app = stored(app_of(), runs_code=False)
    unfit = Tampering().unfit(app, task_of(Does, app, CODE))
    assert unfit is not None
    assert unfit.proven
    none = Tampering().unfit(replace(app, storage=None), task_of(Does, app, CODE))
    assert none is not None
    assert not none.proven  # an unknown file is not a safe one


def test_code_in_the_stored_model_itself_is_told() -> None:
    app = app_of()
    assert app.storage is not None
    own = app.storage.read()
    code = b"\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R0"
    infected = own[:2] + code + own[2:]

    def files(aim: Any, access: Access) -> list[Replacement]:
        new = b"\x8c\x02nt\x8c\x06system\x93\x8c\x04true\x85R0"
        return [Replacement("more", own[:2] + new + own[2:])]

    result = result_of(files, CODE, app=stored(app, read=lambda: infected))
    hidden = next(c for c in result.controls if c.name.startswith("nothing is hidden"))
    assert not hidden.passed
    assert "os.system" in hidden.detail


# ---- training ------------------------------------------------------------------------------------


def task(app: Application) -> Task:
    return task_of(Does, app, TRAINING)


def with_estimator(estimator: Any, domain: str = "table") -> Application:
    app = app_of(domain)
    trainer = SklearnTrainer(estimator, app.classes, app.domain)
    return replace(app, trainer=trainer, target=trainer.fit(app.data.train, 0))


@pytest.mark.requirement("S18", "S19")
def test_an_honest_steering_changes_nothing_beyond_luck() -> None:
    result = result_of(
        lambda aim, access: Steering(order=lambda honest, y, epoch: honest), TRAINING
    )
    assert tally(result).successes == 0
    lost = result.measurements[1]
    assert lost.metric == "accuracy lost on validation data"
    assert lost.value == 0


@pytest.mark.requirement("S18")
def test_seed_and_order_are_proven_not_to_count_where_they_do_not() -> None:
    app = with_estimator(LogisticRegression())
    for attack in (SeedChoice(), BatchOrder()):
        unfit = attack.unfit(app)
        assert unfit is not None
        assert unfit.proven
        assert "it gave the same model" in unfit.reason
    assert LossWeights().unfit(app) is None
    counting = with_estimator(MultinomialNB())
    assert (found := BatchOrder().unfit(counting)) is not None
    assert found.proven
    forest = with_estimator(RandomForestClassifier(5))
    assert SeedChoice().unfit(forest) is None
    assert (found := BatchOrder().unfit(forest)) is not None
    assert not found.proven
    hasty = with_estimator(SGDClassifier(max_iter=5, tol=None))
    assert SeedChoice().unfit(hasty) is None
    assert BatchOrder().unfit(hasty) is None


def test_without_a_recipe_nothing_is_proven() -> None:
    app = replace(app_of(), trainer=None)
    for unfit in (Tampering().unfit(app, task(app)), SeedChoice().unfit(app)):
        assert unfit is not None
        assert not unfit.proven


@pytest.mark.requirement("S19")
def test_who_influences_steps_moves_no_more_than_the_share() -> None:
    only_steps = replace(EVERYTHING, capabilities=Capability.M4)

    def turned(honest: Ints, labels: Ints, epoch: int) -> Ints:
        return honest[::-1]

    with pytest.raises(ChangeRefused, match=r"at most 10\.00% of them"):
        result_of(lambda aim, access: Steering(order=turned), TRAINING, power=only_steps)
    with pytest.raises(NotGranted, match="need capability M3"):
        result_of(lambda aim, access: Steering(seed=3), TRAINING, power=only_steps)
    nothing = replace(EVERYTHING, capabilities=Capability.W)
    with pytest.raises(NotGranted, match="M3 or M4"):
        result_of(lambda aim, access: Steering(seed=3), TRAINING, power=nothing)


def test_an_order_that_drops_records_is_refused() -> None:
    def some(honest: Ints, labels: Ints, epoch: int) -> Ints:
        return np.repeat(honest[: len(honest) // 2], 2)

    with pytest.raises(ChangeRefused, match="every row of the epoch exactly once"):
        result_of(lambda aim, access: Steering(order=some), TRAINING)


@pytest.mark.parametrize(
    "bad", [np.ones(3), np.full(200, -1.0), np.zeros(200), np.full(200, np.nan)]
)
def test_weights_that_do_not_fit_are_refused(bad: Any) -> None:
    with pytest.raises(ChangeRefused, match="do not fit 200 rows"):
        result_of(lambda aim, access: Steering(weights=bad), TRAINING)


def test_steer_trains_and_counts() -> None:
    models: list[int] = []

    def how(aim: Any, access: Access) -> Steering:
        steering = Steering(order=lambda honest, y, epoch: np.sort(honest))
        steered = access.steer(steering)
        models.append(steered.spent.models)
        assert len(steered.query(access.data().x[:3]).labels) == 3
        return steering

    result_of(how, TRAINING)
    assert models == [1]


@pytest.mark.parametrize("name", [FLIPS, SWAP, CODE, TRAINING])
def test_what_nobody_wins_is_controlled_by_a_weakened_application(name: str) -> None:
    """The positive control is the same application with its protection taken away."""
    from goalkeeper.attacks import catalogue

    attack = next(
        a for a in catalogue().values() if a.game is Tampering and name in (*a.tasks, "x")
    )
    app = app_of(kind="fair")
    power = replace(EVERYTHING, budget=Budget(queries=1000, share=0.5))
    this = AttackRun(
        attack=attack(), game=Tampering().smaller(), task=task_of(attack, app, name),
        granted=power, seed=0,
    )  # fmt: skip
    result = execute(app, this)
    assert result.status is Status.TESTED, result.reason
    assert not won(result.trials[-1].tally)
    assert result.controls[-1].passed
