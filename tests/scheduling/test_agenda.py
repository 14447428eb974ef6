"""What is run next, what is no longer needed, and that results alone decide it."""

from __future__ import annotations

from goalkeeper.core.evidence import AttackResult, Status
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import Grade
from goalkeeper.planning import Choice
from goalkeeper.planning.evidence import build_evidence
from goalkeeper.scheduling import Agenda
from tests.scheduling.making import Case, agenda_of, entry_of, result_of

CLEAR, NONE, UNCLEAR = result_of(45, 50), result_of(0, 50), result_of(10, 50)
BOTH = {Goal.INTEGRITY: 1, Goal.PRIVACY: 1}


def ids(agenda: Agenda, results: dict[str, AttackResult]) -> list[str]:
    return [unit.id for unit in agenda.follow(results).pending]


def test_first_looks_come_first_and_the_shortest_of_them() -> None:
    agenda = agenda_of([Case(name="slow", seconds=99), Case(name="fast", seconds=9)])
    assert ids(agenda, {}) == ["fast-0.25", "slow-0.25", "fast-1", "slow-1"]


def test_a_cheap_attack_comes_before_a_dear_one_of_the_same_length() -> None:
    dear = Case(name="a-dear", seconds=1, window="difficult", data=Grade.FULL)
    agenda = agenda_of([dear, Case(name="cheap", seconds=5)], {Goal.INTEGRITY: 3})
    assert ids(agenda, {})[:2] == ["cheap-0.25", "a-dear-0.25"]


def test_a_long_cheap_attack_does_not_block_a_short_dear_one() -> None:
    dear = Case(name="dear", seconds=1, window="difficult", data=Grade.FULL)
    agenda = agenda_of([dear, Case(name="cheap", seconds=5000)], {Goal.INTEGRITY: 3})
    assert ids(agenda, {})[:2] == ["dear-0.25", "cheap-0.25"]


def test_goals_take_turns() -> None:
    cases = [Case(name=f"i{i}", seconds=8) for i in range(3)]
    cases += [Case(name=f"p{i}", goals=(Goal.PRIVACY,), seconds=100) for i in range(3)]
    first = ids(agenda_of(cases, BOTH), {})[:6]
    assert first.index("p0-0.25") == 1, "privacy is given time although its runs are longer"


def test_a_success_decides_its_goal_and_leaves_the_others() -> None:
    cases = [Case(name="one"), Case(name="two"), Case(name="p", goals=(Goal.PRIVACY,))]
    agenda = agenda_of(cases, BOTH)
    status = agenda.follow({"one-0.25": CLEAR})
    assert list(status.decided) == [Goal.INTEGRITY]
    assert [unit.id for unit in status.pending] == ["p-0.25", "p-1"]


def test_attackers_who_share_a_run_share_its_looks() -> None:
    """The interim look of the second attacker is the same attack run, made anew for its entry."""
    entries = [entry_of(Case(name="shared", attack="same")) for _ in range(2)]
    interim = entries[0].interim
    looks = [build_evidence(e, CLEAR, seed=0, look=interim).look for e in entries]
    assert looks == [1, 1]


def test_what_a_first_look_settles_needs_no_second() -> None:
    agenda = agenda_of([Case(name="one"), Case(name="two")])
    assert ids(agenda, {"one-0.25": NONE}) == ["two-0.25", "two-1"]
    assert ids(agenda, {"one-0.25": UNCLEAR}) == ["two-0.25", "one-1", "two-1"]


def test_a_result_that_was_not_won_or_not_controlled_settles_nothing() -> None:
    agenda = agenda_of([Case(name="one")])
    for status in (Status.NOT_TESTED, Status.CONTROL_FAILED):
        assert ids(agenda, {"one-0.25": result_of(0, 50, status)}) == ["one-1"]
    assert ids(agenda, {"one-0.25": AttackResult(status=Status.NOT_APPLICABLE)}) == []


def test_what_failed_to_run_is_not_made_again_in_full_and_covers_nobody() -> None:
    """A model that hangs would hang as long once more."""
    weak = Case(name="weak", attack="same")
    strong = Case(name="strong", attack="same", data=Grade.PARTIAL)
    failed = {"strong-0.25": result_of(0, 50, Status.FAILED_TO_RUN)}
    assert ids(agenda_of([weak, strong]), failed) == ["weak-0.25", "weak-1"]


def test_the_stronger_attacker_goes_first_and_covers_the_weaker() -> None:
    """Withstood with more power, an attack is withstood with less; a success says nothing."""
    weak = Case(name="weak", attack="same", seconds=1)
    strong = Case(name="strong", attack="same", seconds=50, data=Grade.PARTIAL)
    agenda = agenda_of([weak, strong])
    assert ids(agenda, {}) == ["strong-0.25", "strong-1", "weak-0.25", "weak-1"]
    covered = agenda.follow({"strong-0.25": NONE})
    assert (covered.pending, dict(covered.covered)) == ((), {"weak-1": "strong-1"})
    unclear = {"strong-0.25": UNCLEAR, "strong-1": UNCLEAR}
    assert ids(agenda, unclear) == ["weak-0.25", "weak-1"]


def test_an_attack_that_only_costs_the_stronger_too_much_covers_nobody() -> None:
    """It breaks everything, in more days than decide; who needs less knowledge has those days."""
    weak = Case(name="weak", attack="same", daily=1, window="moderate")
    strong = Case(name="strong", attack="same", data=Grade.FULL, daily=1, window="moderate")
    agenda = agenda_of([weak, strong])
    broken = {"strong-0.25": result_of(45, 50, queries=20)}
    assert agenda.follow(broken).decided == {}
    assert ids(agenda, broken) == ["weak-0.25", "weak-1"]


def test_an_attack_that_is_not_applicable_covers_nobody() -> None:
    weak = Case(name="weak", attack="same")
    strong = Case(name="strong", attack="same", data=Grade.PARTIAL)
    absent = {"strong-0.25": AttackResult(status=Status.NOT_APPLICABLE)}
    assert ids(agenda_of([weak, strong]), absent) == ["weak-0.25", "weak-1"]


def test_a_second_look_at_a_run_takes_back_what_the_first_one_had_excluded() -> None:
    """The last look is the evidence; nobody is covered by one that leaves it open."""
    weak = Case(name="weak", attack="same")
    strong = Case(name="strong", attack="same", data=Grade.PARTIAL, goals=tuple(BOTH))
    agenda = agenda_of([weak, strong], {Goal.INTEGRITY: 1, Goal.PRIVACY: 3})
    verified = result_of(0, 50)
    assert "weak-0.25" not in ids(agenda, {"strong-0.25": verified})
    assert ids(agenda, {"strong-0.25": verified, "strong-1": UNCLEAR})[0] == "weak-0.25"


def test_a_goal_is_open_again_where_the_second_look_does_not_show_what_the_first_did() -> None:
    """The second look is made for another goal, and may fail; it is the evidence nevertheless."""
    cases = [
        Case(name="one", goals=tuple(BOTH)),
        Case(name="two", goals=(Goal.PRIVACY,), seconds=9),
    ]
    agenda = agenda_of(cases, {Goal.INTEGRITY: 1, Goal.PRIVACY: 2})
    first = {"one-0.25": result_of(13, 50)}
    assert list(agenda.follow(first).decided) == [Goal.PRIVACY]
    assert ids(agenda, first) == ["one-1"]
    failed = first | {"one-1": result_of(0, 200, Status.FAILED_TO_RUN)}
    assert agenda.follow(failed).decided == {}
    assert ids(agenda, failed) == ["two-0.25", "two-1"]
    shown = first | {"one-1": result_of(52, 200)}
    assert ids(agenda, shown) == [], "it shows it again"


def test_what_was_begun_ahead_counts_only_if_the_list_comes_to_it() -> None:
    """Two workers find the same evidence as one, whichever of them is done first."""
    agenda = agenda_of([Case(name="one", seconds=1), Case(name="two", seconds=2)])
    alone = agenda.follow({"one-0.25": CLEAR})
    ahead = agenda.follow({"two-0.25": CLEAR, "one-0.25": CLEAR})
    assert (alone.counted, alone.decided) == (ahead.counted, ahead.decided)
    assert set(ahead.counted) == {"one-0.25"}


def test_everything_runs_to_its_end_where_that_was_asked_for() -> None:
    cases = [Case(name="one", looks=1), Case(name="two", looks=1)]
    for choice in (Choice(exhaustive=True), Choice(attacks=("one", "two"))):
        agenda = agenda_of(cases, choice=choice)
        assert ids(agenda, {"one-1": CLEAR}) == ["two-1"]


def test_what_decides_nothing_comes_last() -> None:
    cases = [Case(name="idle", goals=(Goal.PRIVACY,), looks=1), Case(name="one", seconds=99)]
    assert ids(agenda_of(cases), {}) == ["one-0.25", "one-1", "idle-1"]
    assert ids(agenda_of(cases), {"one-0.25": CLEAR}) == ["idle-1"]
