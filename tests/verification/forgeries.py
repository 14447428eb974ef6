"""Kinds of forgeries, each a change of a finished run, with what `verify` says of it.

Those of `REFUSED` leave a contradiction, and are told in one line. Those of `CONSISTENT` rewrite
everything that depends on what they change, so that only a signature can tell.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import goalkeeper as gk
from goalkeeper.compute.folder import ASSESSMENT, MANIFEST, REPORT, RUN
from goalkeeper.planning.matching import identify_unit
from tests.verification.making import (
    change_assessment,
    change_everywhere,
    change_json,
    change_unit,
    rewrite,
    sealed,
    unit_file,
    with_unit,
)

Make = Callable[[Path], object]


@dataclass(frozen=True)
class Forgery:
    make: Make
    said: str
    heavy: bool

    @property
    def name(self) -> str:
        return self.make.__name__


REFUSED: list[Forgery] = []
CONSISTENT: list[Make] = []


def refused(said: str, *, heavy: bool = False) -> Callable[[Make], Make]:
    """Register a forgery, with what is said of it; a heavy one is tried by validation only."""

    def register(make: Make) -> Make:
        REFUSED.append(Forgery(make, said, heavy))
        return make

    return register


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def lines_of(folder: Path, change: Callable[[list[str]], object]) -> None:
    """Change the list of lines of the manifest."""
    path = folder / MANIFEST
    lines = path.read_text().splitlines()
    change(lines)
    path.write_text("".join(f"{line}\n" for line in lines))


# ---- the report only -----------------------------------------------------------------------------


@refused("report.html: changed since the run")
def a_word_of_the_report(folder: Path) -> None:
    replace_in(folder / REPORT, "not met", "met")


@refused("report.html: is not the report of assessment.json")
def a_word_of_the_report_with_its_hash(folder: Path) -> None:
    a_word_of_the_report(folder)
    sealed(folder)


@refused("report.html: is not the report of assessment.json", heavy=True)
def a_number_of_the_report_with_its_hash(folder: Path) -> None:
    text = (folder / REPORT).read_text()
    digit = next(i for i in range(len(text) // 2, len(text)) if text[i].isdigit())
    (folder / REPORT).write_text(text[:digit] + str(9 - int(text[digit])) + text[digit + 1 :])
    sealed(folder)


@refused("report.html: is not the report of assessment.json")
def a_script_in_the_report_with_its_hash(folder: Path) -> None:
    replace_in(folder / REPORT, "</body>", "<script>document.title='met'</script></body>")
    sealed(folder)


@refused("report.html: is not the report of assessment.json", heavy=True)
def an_empty_report_with_its_hash(folder: Path) -> None:
    (folder / REPORT).write_text("")
    sealed(folder)


@refused("report.html: is not the report of assessment.json", heavy=True)
def one_more_line_in_the_report_with_its_hash(folder: Path) -> None:
    (folder / REPORT).write_bytes((folder / REPORT).read_bytes() + b"\n")
    sealed(folder)


# ---- the assessment ------------------------------------------------------------------------------


@refused("assessment.json: changed since the run")
def a_verdict(folder: Path) -> None:
    replace_in(folder / ASSESSMENT, '"inconclusive"', '"met"')


@refused("goal privacy.verdict: met is stored, inconclusive recomputed")
def a_verdict_with_its_hash(folder: Path) -> None:
    change_assessment(
        folder, lambda a: (a.update(verdict="met"), a["goals"]["privacy"].update(verdict="met"))
    )
    sealed(folder)


def evidence_of(content: dict[str, Any]) -> list[dict[str, Any]]:
    """List the evidence with a unit in an assessment."""
    return [e for e in content["evidence"] if e["unit"]]


@refused("is missing")
def dropped_evidence(folder: Path) -> None:
    change_assessment(folder, lambda a: a["evidence"].remove(evidence_of(a)[0]))
    sealed(folder)


@refused("no row of the plan names it, or two pieces have this id")
def doubled_evidence(folder: Path) -> None:
    change_assessment(folder, lambda a: a["evidence"].append(a["evidence"][0]))
    sealed(folder)


@refused("no row of the plan names it")
def added_evidence(folder: Path) -> None:
    change_assessment(
        folder, lambda a: a["evidence"].append(evidence_of(a)[0] | {"id": "E000000000"})
    )
    sealed(folder)


@refused("no row of the plan names it")
def renamed_evidence(folder: Path) -> None:
    change_assessment(folder, lambda a: evidence_of(a)[0].update(id="E000000000"))
    sealed(folder)


@refused("differs from its unit")
def a_number_of_evidence(folder: Path) -> None:
    change_assessment(
        folder, lambda a: evidence_of(a)[0]["result"]["measurements"][0].update(value=0.5)
    )
    sealed(folder)


@refused("it is tested, and has no unit")
def evidence_without_its_unit(folder: Path) -> None:
    """The evidence is no longer compared with anything, so its numbers could be any."""

    def change(content: dict[str, Any]) -> None:
        one = evidence_of(content)[0]
        one["unit"] = ""
        one["result"]["summary"] = "nothing was found"

    change_assessment(folder, change)
    sealed(folder)


@refused("no evidence rests on it")
def tested_is_now_not_needed(folder: Path) -> None:
    """The result of a run is said not to exist; its file is still there."""
    one = next(e for e in with_unit(folder) if not gk_decides(folder, e))

    def change(content: dict[str, Any]) -> None:
        for evidence in content["evidence"]:
            if evidence["unit"] == one.unit:
                evidence.update(unit="", settings={}, rated=None)
                evidence["result"] = {"status": "not_needed", "reason": "it was not needed"}

    change_assessment(folder, change)
    sealed(folder)


def gk_decides(folder: Path, evidence: gk.Evidence) -> bool:
    goals = gk.Assessment.from_folder(folder).goals.values()
    return any(rating.cheapest_attack == evidence.id for rating in goals)


@refused("its settings are not those of its unit")
def settings_of_an_attack(folder: Path) -> None:
    change_assessment(folder, lambda a: evidence_of(a)[0]["settings"].update(samples=7))
    sealed(folder)


@refused("its attacker is not the one of its row of the plan")
def another_attacker(folder: Path) -> None:
    change_assessment(folder, lambda a: evidence_of(a)[0].update(attacker="outsider"))
    sealed(folder)


@refused("advice: is not what the evidence leads to")
def no_advice(folder: Path) -> None:
    change_assessment(folder, lambda a: a.update(advice=[]))
    sealed(folder)


@refused("advice: is not what the evidence leads to")
def advice_that_was_never_tried(folder: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        advice = {"defence": "buy ours", "for": ["privacy"], "reason": "it helps"}
        content.update(advice=[advice | {"verified": {"effect": "all attacks withstood"}}])

    change_assessment(folder, change)
    sealed(folder)


@refused("sentences: are not those of the policy")
def a_kinder_sentence(folder: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        tasks = next(iter(content["sentences"].values()))
        tasks.update(dict.fromkeys(tasks, "Nobody succeeded."))

    change_assessment(folder, change)
    sealed(folder)


@refused("application: the interval of the baseline")
def a_better_baseline(folder: Path) -> None:
    change_assessment(folder, lambda a: a["application"]["baseline"][0].update(low=0.99))
    sealed(folder)


@refused("goal privacy.need.level")
def a_lower_need_than_its_damages(folder: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        need = content["goals"]["privacy"]["need"]
        need.update(damages=[{"scenario": "laws", "level": 3, "reason": "it is"}], level=1)

    change_assessment(folder, change)
    sealed(folder)


@refused("finished: is before the run was started")
def a_run_that_ended_before_it_began(folder: Path) -> None:
    change_assessment(folder, lambda a: a.update(finished="2001-01-01T00:00:00+00:00"))
    sealed(folder)


# ---- units ---------------------------------------------------------------------------------------


@refused("differs from its unit")
def units_of_two_attacks_swapped(folder: Path) -> None:
    one, other = (unit_file(folder, e) for e in distinct(folder))
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    sealed(folder)


def distinct(folder: Path) -> list[gk.Evidence]:
    return list({e.unit: e for e in with_unit(folder)}.values())[:2]


@refused("differs from its unit")
def a_number_of_a_unit(folder: Path) -> None:
    change_unit(folder, with_unit(folder)[0], lambda r: r["measurements"][0].update(value=0.5))
    sealed(folder)


@refused("is damaged: its first line is not the hash of a result")
def a_unit_that_does_not_have_its_hash(folder: Path) -> None:
    replace_in(unit_file(folder, with_unit(folder)[0]), '"tested"', '"failed"')
    sealed(folder)


@refused("is missing or damaged")
def a_unit_removed(folder: Path) -> None:
    unit_file(folder, with_unit(folder)[0]).unlink()
    sealed(folder)


@refused("its unit 00000000000000000000 is not the one of its row of the plan")
def a_unit_of_another_name(folder: Path) -> None:
    one = unit_file(folder, with_unit(folder)[0])
    one.rename(one.with_name(f"{'0' * 20}.json"))
    unit = one.stem
    replace_in(
        folder / ASSESSMENT,
        f'"unit": "{unit}",\n   "requires"',
        '"unit": "' + "0" * 20 + '",\n   "requires"',
    )
    sealed(folder)


@refused("no evidence rests on it")
def a_unit_of_another_run(folder: Path) -> None:
    one = unit_file(folder, with_unit(folder)[0])
    shutil.copy(one, one.with_name(f"{'1' * 20}.json"))
    sealed(folder)


@refused("was cut short by the time limit")
def a_run_that_is_said_to_be_complete(folder: Path) -> None:
    change_everywhere(folder, with_unit(folder)[0].unit, lambda r: r.update(limited=True))
    sealed(folder)


@refused("is missing or damaged")
def a_run_that_is_said_to_be_unfinished(folder: Path) -> None:
    unit_file(folder, with_unit(folder)[0]).unlink()
    change_assessment(folder, lambda a: a.update(complete=False))
    sealed(folder)


# ---- the plan and run.json -----------------------------------------------------------------------


def cut(folder: Path, unwanted: Callable[[dict[str, Any]], bool]) -> None:
    """Remove rows of the plan with their evidence and units, and make everything else fit."""

    def change(content: dict[str, Any]) -> None:
        rows = [row for row in content["plan"] if unwanted(row)]
        content["plan"] = [row for row in content["plan"] if not unwanted(row)]
        gone = {row["evidence"] for row in rows}
        content["evidence"] = [e for e in content["evidence"] if e["id"] not in gone]
        kept = {row[look] for row in content["plan"] for look in ("unit", "interim")}
        for path in (folder / "units").iterdir():
            if path.stem not in kept:
                path.unlink()

    change_assessment(folder, change)
    rewrite(folder)


@refused("run.json: plan is not the one in assessment.json")
def a_row_of_the_plan(folder: Path) -> None:
    change_json(folder / RUN, lambda run: run["plan"].pop())
    sealed(folder)


@refused("has no row for the attacker")
def an_attacker_cut_from_an_attack(folder: Path) -> None:
    attack = with_unit(folder)[0].attack
    cut(folder, lambda row: row["attack"] == attack and row["attacker"] == "customer")


@refused("run.json: plan_sha256 is not the hash of the plan")
def the_hash_of_the_plan(folder: Path) -> None:
    change_json(folder / RUN, lambda run: run.update(plan_sha256="0" * 64))
    sealed(folder)


@refused("run.json: changed since the run")
def the_seed_in_run_json(folder: Path) -> None:
    change_json(folder / RUN, lambda run: run.update(seed=7))


@refused("run.json: seed is not the one in assessment.json")
def the_seed_in_run_json_with_its_hash(folder: Path) -> None:
    the_seed_in_run_json(folder)
    sealed(folder)


@refused("is of another seed")
def the_seed_everywhere(folder: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["seed"] = 7
        for evidence in content["evidence"]:
            evidence["seed"] = 7

    change_assessment(folder, change)
    rewrite(folder)


@refused("is of another effort")
def the_effort(folder: Path) -> None:
    change_json(folder / RUN, lambda run: run.update(effort=10.0))
    sealed(folder)


@refused("run.json: tool is not the one in assessment.json")
def the_version_in_run_json(folder: Path) -> None:
    change_json(folder / RUN, lambda run: run.update(tool="99.0"))
    sealed(folder)


@refused("run.json: environment is not the one in assessment.json")
def the_environment_in_run_json(folder: Path) -> None:
    change_json(folder / RUN, lambda run: run["environment"].update(command="another"))
    sealed(folder)


@refused("run.json: fingerprint is not the one in assessment.json")
def the_application_in_run_json(folder: Path) -> None:
    change_json(folder / RUN, lambda run: run.update(fingerprint="0" * 32))
    sealed(folder)


@refused("is of another application", heavy=True)
def the_application_everywhere(folder: Path) -> None:
    change_assessment(folder, lambda a: a["application"].update(fingerprint="0" * 32))
    change_json(folder / RUN, lambda run: run.update(fingerprint="0" * 32))
    rewrite(folder)


@refused("description does not have the hash of")
def the_description_in_run_json(folder: Path) -> None:
    change_json(folder / RUN, lambda run: run.update(description="needs: {}", file="app.yaml"))
    sealed(folder)


@refused("run.json: has other keys than goalkeeper writes: 'approved'")
def another_key_in_run_json(folder: Path) -> None:
    change_json(folder / RUN, lambda run: run.update(approved=True))
    sealed(folder)


# ---- the policy ----------------------------------------------------------------------------------


@refused("policy/rating.yaml: changed since the run")
def the_policy(folder: Path) -> None:
    (folder / "policy/rating.yaml").write_text(lax(folder))


@refused("policy: the stored policy is not the one that the assessment names")
def the_policy_with_its_hash(folder: Path) -> None:
    the_policy(folder)
    sealed(folder)


@refused("recomputed")
def the_policy_and_the_name_of_it(folder: Path) -> None:
    from goalkeeper.running import read_policy

    the_policy(folder)
    row = read_policy(folder).row().model_dump()
    change_assessment(folder, lambda a: a.update(policy=row))
    change_json(folder / RUN, lambda run: run.update(policy=row))
    sealed(folder)


def lax(folder: Path) -> str:
    """Return a policy by which an attack must be much cheaper to count."""
    rules = yaml.safe_load((folder / "policy/rating.yaml").read_text())
    required = rules["required_attack_potential"]
    rules["required_attack_potential"] = dict.fromkeys(required, 0)
    return yaml.safe_dump(rules)


@refused("policy/taxonomy.yaml: repeats itself by aliases too often")
def a_policy_that_grows_without_bound(folder: Path) -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 8)}]" for i in range(1, 12)]
    (folder / "policy/taxonomy.yaml").write_text("\n".join(rows))
    sealed(folder)


@refused("policy/rating.yaml: is not YAML")
def a_policy_that_is_nested_deeply(folder: Path) -> None:
    (folder / "policy/rating.yaml").write_text("[" * 100_000)
    sealed(folder)


@refused("policy/rating.yaml: has more than 1,048,576 bytes")
def a_policy_of_many_bytes(folder: Path) -> None:
    (folder / "policy/rating.yaml").write_text("#" * (1 << 20) + "\n")
    sealed(folder)


# ---- the folder and its files --------------------------------------------------------------------


@refused("report.html: is a symbolic link, and not a file")
def a_link_to_a_file_outside(folder: Path) -> None:
    outside = folder.parent / "outside.html"
    (folder / REPORT).rename(outside)
    (folder / REPORT).symlink_to(outside)


@refused("units: is a symbolic link, and not a folder")
def a_link_to_a_folder_outside(folder: Path) -> None:
    (folder / "units").rename(folder.parent / "elsewhere")
    (folder / "units").symlink_to(folder.parent / "elsewhere")


@refused("assessment.json: is a symbolic link, and not a file")
def a_link_to_a_device(folder: Path) -> None:
    (folder / ASSESSMENT).unlink()
    (folder / ASSESSMENT).symlink_to("/dev/zero")


@refused("report.html: has a second name (a hard link)")
def a_hard_link(folder: Path) -> None:
    os.link(folder / REPORT, folder.parent / "second.html")


@refused("MANIFEST.sha256: is a named pipe, and not a file")
def a_pipe_for_the_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()
    os.mkfifo(folder / MANIFEST)


@refused("assessment.json: is a named pipe, and not a file")
def a_pipe_for_the_assessment(folder: Path) -> None:
    (folder / ASSESSMENT).unlink()
    os.mkfifo(folder / ASSESSMENT)


@refused("pipe: not part of the run")
def a_pipe_beside_the_files(folder: Path) -> None:
    os.mkfifo(folder / "pipe")


@refused("report.html: is a socket, and not a file")
def a_socket(folder: Path) -> None:
    (folder / REPORT).unlink()
    with socket.socket(socket.AF_UNIX) as made:
        here = Path.cwd()
        os.chdir(folder)  # the name of a socket is short
        try:
            made.bind(REPORT)
        finally:
            os.chdir(here)


@refused("report.html: is a folder, and not a file")
def a_folder_for_a_file(folder: Path) -> None:
    (folder / REPORT).unlink()
    (folder / REPORT).mkdir()


@refused("has 1,099,511,627,776 bytes, and at most 67,108,864 are read")
def a_sparse_file(folder: Path) -> None:
    os.truncate(folder / ASSESSMENT, 1 << 40)


@refused("MANIFEST.sha256: has 1,099,511,627,776 bytes")
def a_sparse_manifest(folder: Path) -> None:
    os.truncate(folder / MANIFEST, 1 << 40)


@refused("notes.txt: not part of the run")
def an_unlisted_file(folder: Path) -> None:
    (folder / "notes.txt").write_text("this run was approved")


@refused("MANIFEST.sha256: lists notes.txt, which is no file of a run")
def an_extra_file_with_its_hash(folder: Path) -> None:
    (folder / "notes.txt").write_text("")
    lines_of(folder, lambda lines: lines.append(f"{'0' * 64}  notes.txt"))


@refused(": not part of the run", heavy=True)
def thousands_of_unlisted_files(folder: Path) -> None:
    for i in range(2000):
        (folder / "units" / f"{i:x}").touch()


@refused("more files are not part of the run")
def more_unlisted_files_than_are_listed(folder: Path) -> None:
    for i in range(40):
        (folder / f"{i:02}").touch()


@refused("Report.html: not part of the run")
def a_name_in_other_case(folder: Path) -> None:
    shutil.copy(folder / REPORT, folder / "Report.html")


@refused(r"r\u0435port.html: not part of the run")
def a_name_of_letters_that_look_alike(folder: Path) -> None:
    shutil.copy(folder / REPORT, folder / "r\u0435port.html")


@refused(r"\x1b[2Kreport.html: not part of the run")
def a_name_that_rewrites_the_terminal(folder: Path) -> None:
    (folder / "\x1b[2Kreport.html").touch()


@refused("report.md: not part of the run")
def a_report_in_another_format(folder: Path) -> None:
    (folder / "report.md").write_text("# Everything is met\n")


@refused("report.sarif: not part of the run")
def a_report_for_machines(folder: Path) -> None:
    (folder / "report.sarif").write_text("{}")


@refused(".service: not part of the run")
def a_link_for_what_is_kept_aside(folder: Path) -> None:
    (folder / ".service").symlink_to("/")


@refused("assessment.json: changed since the run")
def half_a_file(folder: Path) -> None:
    path = folder / ASSESSMENT
    os.truncate(path, path.stat().st_size // 2)


@refused("run.json: missing")
def a_missing_file(folder: Path) -> None:
    (folder / RUN).unlink()


# ---- the manifest --------------------------------------------------------------------------------


@refused("MANIFEST.sha256: lists ../outside.html, which is no file of a run")
def a_path_out_of_the_folder(folder: Path) -> None:
    lines_of(folder, lambda lines: lines.append(f"{'0' * 64}  ../outside.html"))


@refused("MANIFEST.sha256: lists /etc/passwd, which is no file of a run")
def an_absolute_path(folder: Path) -> None:
    lines_of(folder, lambda lines: lines.append(f"{'0' * 64}  /etc/passwd"))


@refused("MANIFEST.sha256: lists units/../run.json, which is no file of a run")
def a_path_around(folder: Path) -> None:
    lines_of(folder, lambda lines: lines.append(f"{'0' * 64}  units/../run.json"))


@refused("MANIFEST.sha256: lists assessment.json twice")
def a_doubled_line(folder: Path) -> None:
    lines_of(folder, lambda lines: lines.append(lines[0]))


@refused("MANIFEST.sha256: does not list report.html")
def a_missing_line(folder: Path) -> None:
    lines_of(folder, lambda lines: lines.remove(next(x for x in lines if REPORT in x)))


@refused("is missing or damaged")
def a_missing_line_of_a_unit(folder: Path) -> None:
    unit_file(folder, with_unit(folder)[0]).unlink()
    sealed(folder)


@refused("MANIFEST.sha256: is not in the order and form that goalkeeper writes")
def lines_in_another_order(folder: Path) -> None:
    lines_of(folder, lambda lines: lines.reverse())


@refused("MANIFEST.sha256: line 1 is not a hash, two spaces and a name")
def other_ends_of_lines(folder: Path) -> None:
    path = folder / MANIFEST
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


@refused("MANIFEST.sha256: holds characters that are not ASCII")
def a_byte_order_mark_in_the_manifest(folder: Path) -> None:
    path = folder / MANIFEST
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


@refused("MANIFEST.sha256: missing: nothing says what the files were")
def no_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()


# ---- JSON that is read in different ways ---------------------------------------------------------


def write_assessment(folder: Path, text: str) -> None:
    (folder / ASSESSMENT).write_text(text)
    sealed(folder)


def stored(folder: Path) -> str:
    return (folder / ASSESSMENT).read_text()


@refused("assessment.json: begins with a byte order mark")
def a_byte_order_mark(folder: Path) -> None:
    write_assessment(folder, "\ufeff" + stored(folder))


@refused("assessment.json: holds the key 'verdict' twice")
def a_key_twice(folder: Path) -> None:
    write_assessment(folder, stored(folder).replace('"verdict"', '"verdict": "met", "verdict"', 1))


@refused("assessment.json: holds NaN, which is no number of JSON")
def not_a_number(folder: Path) -> None:
    write_assessment(folder, stored(folder).replace('"seed": 0', '"seed": NaN', 1))


@refused("assessment.json: holds Infinity, which is no number of JSON")
def infinity(folder: Path) -> None:
    write_assessment(folder, stored(folder).replace('"seed": 0', '"seed": Infinity', 1))


@refused("assessment.json: is nested too deeply")
def nested_lists(folder: Path) -> None:
    write_assessment(folder, '{"schema": ' + "[" * 100_000)


@refused("run.json: is nested too deeply")
def nested_objects_in_run_json(folder: Path) -> None:
    (folder / RUN).write_text('{"a": ' * 100_000)
    sealed(folder)


@refused("assessment.json: holds a number that is too large")
def a_number_of_many_digits(folder: Path) -> None:
    write_assessment(folder, stored(folder).replace('"seed": 0', f'"seed": {"9" * 5000}', 1))


@refused("assessment.json is not an assessment of this version: seed")
def a_wrong_type(folder: Path) -> None:
    write_assessment(folder, stored(folder).replace('"seed": 0', '"seed": [0]', 1))


@refused("assessment.json: not in the form that goalkeeper writes")
def a_text_for_a_number(folder: Path) -> None:
    write_assessment(folder, stored(folder).replace('"seed": 0', '"seed": "0"', 1))


@refused("assessment.json is not an assessment of this version: approved")
def an_unknown_key(folder: Path) -> None:
    write_assessment(folder, stored(folder).replace('"seed"', '"approved": true,\n "seed"', 1))


@refused("assessment.json: not in the form that goalkeeper writes")
def other_spaces(folder: Path) -> None:
    write_assessment(folder, json.dumps(json.loads(stored(folder))))


@refused("assessment.json: is not a JSON object")
def a_list(folder: Path) -> None:
    write_assessment(folder, "[]")


@refused("assessment.json: is not UTF-8")
def other_bytes(folder: Path) -> None:
    (folder / ASSESSMENT).write_bytes(b"{\xff}")
    sealed(folder)


@refused("assessment.json: holds what no run can have found: counts below 0 or above")
def counts_that_take_for_ever(folder: Path) -> None:
    unit = with_unit(folder)[0].unit
    change_everywhere(folder, unit, lambda r: huge(r, 10**12))
    sealed(folder)


@refused("assessment.json: holds what no run can have found: counts below 0 or above")
def negative_counts(folder: Path) -> None:
    unit = with_unit(folder)[0].unit
    change_everywhere(folder, unit, lambda r: huge(r, -4))
    sealed(folder)


def huge(result: dict[str, Any], n: int) -> None:
    for trial in result["trials"]:
        tally = trial["tally"]
        for at in tally.get("at", [tally]):
            at.update({key: n for key in at if isinstance(at[key], int)})


# ---- everything rewritten ------------------------------------------------------------------------


def consistent(make: Make) -> Make:
    CONSISTENT.append(make)
    return make


@consistent
def nothing_but_the_time(folder: Path) -> None:
    change_assessment(folder, lambda a: a.update(finished="2101-01-01T00:00:00+00:00"))
    rewrite(folder)


@consistent
def another_sentence(folder: Path) -> None:
    unit = with_unit(folder)[0].unit
    change_everywhere(folder, unit, lambda r: r.update(summary="Nothing was found."))
    rewrite(folder)


@consistent
def a_laxer_need(folder: Path) -> None:
    change_assessment(folder, lambda a: a["goals"]["privacy"]["need"].update(level=0))
    rewrite(folder)


@consistent
def an_attack_cut_from_everywhere(folder: Path) -> None:
    attack = with_unit(folder)[0].attack
    cut(folder, lambda row: row["attack"] == attack)


@consistent
def the_command_and_the_machine(folder: Path) -> None:
    change_assessment(folder, lambda a: a["environment"].update(command="run", machine="abacus"))
    rewrite(folder)


@consistent
def the_names_of_units(folder: Path) -> None:
    """The seed is another, and so is what identifies each unit, with the name of its file."""
    run = json.loads((folder / RUN).read_text())
    units, names = {}, {}
    for unit, identity in run["units"].items():
        other = json.dumps(json.loads(identity) | {"seed": 7}, sort_keys=True)
        names[unit] = identify_unit(other)
        units[names[unit]] = other
    text = (folder / ASSESSMENT).read_text().replace('"seed": 0', '"seed": 7')
    for old, new in names.items():
        text = text.replace(old, new)
        path = folder / f"units/{old}.json"
        if path.exists():
            path.rename(path.with_name(f"{new}.json"))
    (folder / ASSESSMENT).write_text(text)
    change_json(folder / RUN, lambda run: run.update(units=units))
    rewrite(folder)
