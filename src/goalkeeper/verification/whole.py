"""Verify a run folder: its files, then what was written down, then every verdict, then the report.

Each step stands on the ones before it, so that a difference is named once, where it is.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goalkeeper.advise import advise
from goalkeeper.compute.folder import ASSESSMENT, REPORT, RULES, RUN, RunFolder
from goalkeeper.compute.snapshot import Snapshot, take
from goalkeeper.core.assessment import Assessment
from goalkeeper.core.errors import OtherSchema, PolicyError, StoreError
from goalkeeper.environment import environment, tool_version
from goalkeeper.policy import Policy, default_policy
from goalkeeper.rate import next_steps, recompute
from goalkeeper.running.record import render_report
from goalkeeper.stats.intervals import clopper_pearson
from goalkeeper.verification.keys import PublicKey, read_public
from goalkeeper.verification.reading import (
    NotPlain,
    check_yaml,
    find_absurd,
    read_json,
    read_text,
)
from goalkeeper.verification.records import (
    compare_parts,
    compare_record,
    compare_results,
    read_results,
)
from goalkeeper.verification.result import Verification
from goalkeeper.verification.signing import judge

RENDERS = ("source", "matplotlib", "jinja2")  # what the bytes of a report depend on
LONGEST = 240  # characters of a line
ODD = "holds what no run can have found"


def verify(folder: Path | str, *, key: Path | str | None = None) -> Verification:
    """Verify a run folder; no attack is run, and neither the model nor the data is needed.

    Checked are: that the folder holds the files that its manifest lists, unchanged, and no others;
    that plan, evidence and stored results belong together one to one; that rating the evidence
    again gives the stored exposure levels, attack potentials, risks and verdicts; that rendering
    the assessment again gives the stored report; and the signature.

    Parameters
    ----------
    folder
        The run folder.
    key
        The file of the public key that must have signed the run; None: any signature will do, or
        none.

    Raises
    ------
    StoreError
        The folder is not a finished run, or has another schema than this version reads.
    DescriptionError
        The key cannot be read, or is none for Ed25519.
    """
    root = Path(folder)
    public = None if key is None else read_public(Path(key))
    require_run(root)
    return verify_snapshot(take(root), public, source=str(root / ASSESSMENT))


def require_run(root: Path) -> None:
    """Check that a folder holds an assessment; raises StoreError, which says what it is instead."""
    try:
        (root / ASSESSMENT).lstat()
    except OSError:
        RunFolder(root).read(ASSESSMENT)


def verify_snapshot(
    snapshot: Snapshot, public: PublicKey | None = None, *, source: str = ASSESSMENT
) -> Verification:
    """Verify the files of a run as they were read once; errors name the assessment by `source`."""
    signed = judge(snapshot, public)
    if snapshot.problems:
        return Verification(
            problems=(*snapshot.problems, *signed.problems),
            signature=signed.state,
            key=signed.key,
        )
    found = _Contents(snapshot.files, source)
    return Verification(
        problems=tuple(dict.fromkeys([*_guarded(found.compare), *signed.problems])),
        not_compared=tuple(found.not_compared),
        notes=tuple(found.notes),
        checked=found.checked,
        signature=signed.state,
        key=signed.key,
    )


def _guarded(compare: Callable[[], Iterable[str]], where: str = ASSESSMENT) -> list[str]:
    """List differences; whatever made-up numbers do to the arithmetic is one of them.

    Raises
    ------
    OtherSchema
        The folder is as it was written, by a goalkeeper with another schema.
    """
    found: list[str] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.extend(compare())
    except OtherSchema:
        raise
    except NotPlain as error:
        found.append(str(error))
    except (PolicyError, StoreError) as error:
        found.append(str(error))
    except Exception as error:  # noqa: BLE001 - the numbers may be made up
        text = " ".join(str(error).split())[:100]
        found.append(f"{where}: {ODD} ({type(error).__name__}: {text})")
    return [_told(line) for line in found]


def _told(line: str) -> str:
    """Write a line so that no text of the folder can pass for another line, or fill the screen."""
    whole = "; ".join(part.strip() for part in line.splitlines())
    plain = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in whole)
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 3]}..."


@dataclass(frozen=True, slots=True)
class _Written:
    """Who wrote a run, compared with who reads it."""

    version: str
    environment: Mapping[str, str]

    def same_source(self) -> bool:
        """Whether this very goalkeeper wrote it, so that it would write every byte so."""
        ours = (tool_version(), environment().get("source"))
        return (self.version, self.environment.get("source")) == ours

    def renders_alike(self) -> bool:
        """Whether what draws the report is the same as well."""
        ours = environment()
        same = all(self.environment.get(name) == ours.get(name) for name in RENDERS)
        return same and self.same_source()

    def __str__(self) -> str:
        ours = environment()
        names = [n for n in RENDERS if self.environment.get(n) != ours.get(n)]
        theirs = ", ".join(f"{n} {self.environment.get(n, 'unknown')}" for n in names)
        mine = ", ".join(f"{n} {ours.get(n, 'unknown')}" for n in names)
        return (
            f"goalkeeper {self.version} wrote it ({theirs}), and goalkeeper {tool_version()} "
            f"reads it ({mine})"
        )


class _Contents:
    """The contents of a run whose files are what the manifest says."""

    def __init__(self, files: Mapping[str, bytes], source: str) -> None:
        self._files, self._source = files, source
        self.not_compared: list[str] = []
        self.notes: list[str] = []
        self.checked: dict[str, int] = {"files": len(files)}

    def compare(self) -> Iterator[str]:
        """Yield every difference; later steps are left out where an earlier one finds any."""
        stored, record = self._json(ASSESSMENT), self._json(RUN)
        text = read_text(self._files[ASSESSMENT])
        assessment = Assessment.parse(text, source=self._source)
        written = _Written(assessment.tool.version, assessment.environment)
        same = written.same_source()
        if (assessment.to_json() != text) if same else not _contains(assessment, stored):
            yield f"{ASSESSMENT}: not in the form that goalkeeper writes"
            return
        absurd = find_absurd(t.tally for e in assessment.evidence for t in e.result.trials)
        if absurd:
            yield f"{ASSESSMENT}: {ODD}: {absurd}"
            return
        policy = self._policy()
        if policy.row() != assessment.policy:
            yield "policy: the stored policy is not the one that the assessment names"
            return
        steps = (
            lambda: self._records(record, assessment, same=same),
            lambda: recompute(assessment, policy),
            lambda: _compare_rest(assessment, policy),
            lambda: self._report(assessment, policy, record, written),
        )
        for step in steps:
            found = _guarded(step)
            yield from found
            if found:
                return

    def _json(self, name: str) -> dict[str, Any]:
        try:
            return read_json(self._files[name])
        except NotPlain as error:
            raise NotPlain(f"{name}: {error}") from error

    def _policy(self) -> Policy:
        rating, taxonomy = RULES
        shipped = default_policy()
        if all(self._files[name] == shipped.files[Path(name).name] for name in RULES):
            return shipped
        for name in RULES:
            try:
                check_yaml(self._files[name])
            except NotPlain as error:
                raise NotPlain(f"{name}: {error}") from error
        files = self._files
        found = Policy.parse(files[taxonomy], files[rating], Path(taxonomy), Path(rating))
        self.notes.append(
            f"rated by the policy {found.id} {found.version}, which is not the one that "
            f"goalkeeper {tool_version()} ships: read the files in policy/"
        )
        return found

    def _records(
        self, record: Mapping[str, Any], assessment: Assessment, *, same: bool
    ) -> Iterator[str]:
        kept, wrong = read_results(self._files, same_source=same)
        yield from wrong
        yield from compare_record(record, assessment, same_source=same)
        yield from compare_parts(assessment, kept.keys())
        yield from compare_results(assessment, kept)
        self.checked |= {
            "units": len(kept),
            "plan": len(assessment.plan),
            "evidence": len(assessment.evidence),
            "verdicts": len(assessment.goals),
        }

    def _report(
        self,
        assessment: Assessment,
        policy: Policy,
        record: Mapping[str, Any],
        written: _Written,
    ) -> Iterator[str]:
        """Render the report again, and compare every byte."""
        file, person = str(record.get("file", "")), str(record.get("person", ""))
        again = render_report(assessment, policy, file, person)
        if again.encode() == self._files[REPORT]:
            self.checked["report"] = 1
        elif written.renders_alike():
            yield f"{REPORT}: is not the report of {ASSESSMENT}"
        else:
            self.not_compared.append(f"{REPORT}: {written}, so that the report may look different")


def _contains(assessment: Assessment, stored: Mapping[str, Any]) -> bool:
    """Return whether all that an older version stored is understood, and only defaults are new."""
    again = json.loads(assessment.model_dump_json(by_alias=True))
    return _within(stored, again)


def _within(stored: Any, again: Any) -> bool:
    if isinstance(stored, dict) and isinstance(again, dict):
        return all(key in again and _within(value, again[key]) for key, value in stored.items())
    if isinstance(stored, list) and isinstance(again, list):
        return len(stored) == len(again) and all(map(_within, stored, again))
    return bool(stored == again) and isinstance(stored, bool) is isinstance(again, bool)


def _compare_rest(assessment: Assessment, policy: Policy) -> Iterator[str]:
    """Compare what no verdict depends on, and a reader does: advice, catalogues, the baseline."""
    kind = assessment.application.domain
    known = assessment.evidence, assessment.goals, assessment.attackers
    if assessment.advice != advise(*known, lambda variant: policy.remedies(variant, kind)):
        yield "advice: is not what the evidence leads to"
    app = assessment.application
    known_rules = policy, app.secrecy
    steps = next_steps(
        assessment.evidence, assessment.goals, assessment.plan, app.parts, known_rules
    )
    if assessment.next_steps and assessment.next_steps != steps:  # older runs have none
        yield "next_steps: are not what the evidence leads to"
    told_of = {one.variant for one in assessment.evidence if one.headline}
    if assessment.sentences != policy.sentences(kind, told_of):
        yield "sentences: are not those of the policy"
    for one in assessment.evidence:
        variant = policy.variant(one.variant)
        told = (one.family, one.standards, one.references[-len(variant.references) :])
        if told != (variant.family, variant.standards, variant.references or one.references):
            yield f"evidence {one.id}: family, standards or references are not of {one.variant}"
    for row in assessment.application.baseline:
        low, high = clopper_pearson(round(row.value * row.n), row.n)
        if abs(low - row.low) > 1e-9 or abs(high - row.high) > 1e-9:
            yield f"application: the interval of the baseline {row.slice!r} is not that of its n"
    if assessment.finished < assessment.started:
        yield "finished: is before the run was started"
