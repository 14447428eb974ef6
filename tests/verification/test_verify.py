"""A run verifies as it was written, whoever reads it; what cannot be compared is said."""

from __future__ import annotations

import json
import os
import resource
import tracemalloc
from pathlib import Path

import pytest

import goalkeeper as gk
from goalkeeper.cli.exits import Exit
from goalkeeper.compute import snapshot
from goalkeeper.compute.folder import ASSESSMENT, MANIFEST, RECORDS, REPORT, RUN, RunFolder
from goalkeeper.core.errors import StoreError
from goalkeeper.core.evidence import Requirement, Status
from goalkeeper.rate import join_evidence
from goalkeeper.verification import Signature, verify
from goalkeeper.verification.records import compare_results
from goalkeeper.verification.result import UNSIGNED
from tests.cli.inline import inline
from tests.rate.making import evidence, of, requires, trial
from tests.verification.making import (
    change_assessment,
    change_json,
    rewrite,
    sealed,
    unit_file,
    with_unit,
)


def test_a_run_verifies_as_it_was_written(folder: Path) -> None:
    found = gk.verify(folder)
    assert found
    assert str(found) == f"consistent; {UNSIGNED}"
    assert found.signature is Signature.UNSIGNED
    units = {e.unit for e in with_unit(folder)}
    assert found.checked["units"] >= len(units) == 2
    assert found.checked["files"] == found.checked["units"] + 5
    assert found.checked["report"] == found.checked["verdicts"] == 1
    assert found.not_compared == found.notes == ()
    assert verify(sealed(folder)).consistent


def test_the_command_line_says_what_was_found(folder: Path) -> None:
    right = inline("verify", folder)
    assert (right.code, right.out) == (Exit.MET, f"{folder} verifies: consistent; {UNSIGNED}\n")
    as_json = json.loads(inline("verify", folder, "--json").out)
    assert as_json["verified"] is True
    assert as_json["differences"] == []
    assert as_json["signature"] == {"state": "unsigned", "key": ""}
    assert as_json["checked"]["evidence"] > 2
    (folder / REPORT).write_text("all is well")
    wrong = inline("verify", folder)
    assert wrong.code == Exit.NOT_MET
    assert wrong.out.splitlines()[1:2] == ["  report.html: changed since the run"]
    as_json = json.loads(inline("verify", folder, "--json").out)
    assert as_json["verified"] is False
    assert as_json["differences"] == ["report.html: changed since the run"]


def test_an_empty_folder_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"contains no assessment\.json"):
        verify(tmp_path)
    (tmp_path / RUN).write_text("{}")
    with pytest.raises(StoreError, match="its run was not finished"):
        verify(tmp_path)


# ---- another goalkeeper --------------------------------------------------------------------------


def of_another_source(folder: Path) -> Path:
    """Let a run look as one of another goalkeeper would, with the report that this one renders."""
    change_assessment(folder, lambda a: a["environment"].update(source="another"))
    return rewrite(folder)


def test_the_same_report_by_another_goalkeeper_verifies(folder: Path) -> None:
    assert verify(of_another_source(folder))


def test_a_report_that_cannot_be_compared_is_said_and_is_not_code_0(folder: Path) -> None:
    of_another_source(folder)
    (folder / REPORT).write_text("looked different then")
    sealed(folder)
    found = verify(folder)
    assert found.consistent
    assert not found
    assert str(found) == f"consistent as far as it was compared; {UNSIGNED}"
    (line,) = found.not_compared
    assert "report.html: goalkeeper 0" in line
    assert "(source another)" in line
    done = inline("verify", folder)
    assert done.code == Exit.INCONCLUSIVE
    assert f"not compared: {line}" in done.out


def test_fields_that_an_older_goalkeeper_did_not_write_have_their_defaults(folder: Path) -> None:
    of_another_source(folder)
    content = json.loads((folder / ASSESSMENT).read_text())
    for piece in content["evidence"]:
        del piece["covered_by"]
    (folder / ASSESSMENT).write_text(json.dumps(content))
    change_json(folder / RUN, lambda run: run.pop("units"))
    assert verify(sealed(folder)).problems == ()
    one = next(piece for piece in content["evidence"] if piece["unit"])
    one["result"]["summary"] = "Nothing was found."
    (folder / ASSESSMENT).write_text(json.dumps(content))
    assert not verify(sealed(folder)).consistent


def test_a_policy_that_is_not_the_shipped_one_is_noted(folder: Path) -> None:
    rating = folder / "policy" / "rating.yaml"
    rating.write_text(rating.read_text() + "\n# one comment more\n")
    (note,) = verify(rewrite(folder)).notes
    assert "which is not the one that goalkeeper" in note


# ---- reading -------------------------------------------------------------------------------------


def test_a_file_is_read_once_and_judged_as_it_was_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever changes a file after its hash was compared changes nothing that is said."""
    take = snapshot.take

    def change_after(root: Path) -> snapshot.Snapshot:
        taken = take(root)
        for path in folder.rglob("*"):
            if path.is_file():
                path.write_bytes(b"changed")
        return taken

    monkeypatch.setattr("goalkeeper.verification.whole.take", change_after)
    assert verify(folder)
    monkeypatch.undo()
    assert not verify(folder)


def test_a_file_that_changes_while_it_is_read_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, times = os.fstat, [0]

    def later(handle: int) -> os.stat_result:
        times[0] += 1
        if times[0] == 4:  # before and after the manifest, then before and after one more
            found = status(handle)
            return os.stat_result((*found[:6], found.st_size + 1, *found[7:]))
        return status(handle)

    monkeypatch.setattr(os, "fstat", later)
    assert [p for p in verify(folder).problems if "was changed while it was read" in p]


def test_what_is_unlisted_or_too_large_is_not_read(folder: Path) -> None:
    with (folder / "huge").open("wb") as file:
        file.truncate(1 << 42)
    os.truncate(folder / ASSESSMENT, snapshot.LARGEST + 1)
    tracemalloc.start()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_inblock
    found = verify(folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found.problems) == 2
    assert peak < 4 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_inblock - before < 1 << 10


def test_all_files_together_are_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "LARGEST_SUM", (folder / ASSESSMENT).stat().st_size + 100)
    assert "bytes, and at most" in verify(folder).problems[0]


def test_every_changed_byte_is_noticed(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.create()
    for name in RECORDS:
        folder.write(name, f"{name}\n")
    folder.seal()
    assert snapshot.take(folder.root).problems == ()
    for name in (ASSESSMENT, MANIFEST):
        path = folder.root / name
        content = path.read_bytes()
        for position in range(0, len(content), 3):
            path.write_bytes(
                content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]
            )
            assert snapshot.take(folder.root).problems, f"byte {position} of {name}"
        path.write_bytes(content)


# ---- units ---------------------------------------------------------------------------------------


def test_results_that_no_evidence_rests_on_are_set_apart(folder: Path) -> None:
    one = unit_file(folder, with_unit(folder)[0])
    other = one.with_name("0123456789abcdef0123.json")
    other.write_bytes(one.read_bytes())
    assert not verify(sealed(folder))
    kept = RunFolder(folder)
    kept.keep_units({e.unit for e in with_unit(folder)} | {p.stem for p in one.parent.iterdir()} - {
        other.stem
    })  # fmt: skip
    assert verify(sealed(folder))
    assert not other.exists()
    assert kept.load(other.stem) == kept.load(one.stem)
    kept.keep_units({other.stem})
    assert [p.stem for p in one.parent.iterdir()] == [other.stem]


def test_evidence_that_fails_beside_that_of_others_verifies(folder: Path) -> None:
    """Gradients that do worse than scores are masked: that is no difference from the result."""
    blind = evidence(trial(of(0, 100)), name="pgd", needs=_seeing("gradients"))
    broken = evidence(trial(of(60, 100)), name="square", needs=_seeing("scores"))
    kept = {one.unit: one.result for one in (blind, broken)}
    judged = join_evidence([blind, broken])
    assert judged[0].status is Status.CONTROL_FAILED
    assessment = gk.Assessment.from_folder(folder)
    for found, wrong in (judged, []), ([blind, broken], [blind]):
        changed = assessment.model_copy(update={"evidence": tuple(found)})
        different = [d for d in compare_results(changed, kept) if "differs from its unit" in d]
        assert different == [f"evidence {e.id}: differs from its unit {e.unit}" for e in wrong]


def _seeing(view: str) -> Requirement:
    return requires("insider").model_copy(update={"view": view})
