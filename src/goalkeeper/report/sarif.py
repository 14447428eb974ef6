"""The report as a SARIF log: what programs that collect findings of analysis tools read.

There are two kinds of rules: one for each goal, whose results are the verdicts, and one for each
variant of an attack, whose results are the attack runs. Ids of rules and fingerprints of results
name what was tested, never what was measured: a finding keeps its identity while the model changes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from goalkeeper.core.assessment import Assessment, Verdict
from goalkeeper.core.evidence import Evidence, Status
from goalkeeper.core.goals import Goal
from goalkeeper.report import format as fmt
from goalkeeper.report.application_file import ApplicationFile
from goalkeeper.report.deciding import RunOutcome, determine_outcome
from goalkeeper.report.finding import RUN_STATUSES, Finding, findings, group_runs
from goalkeeper.report.goalpart import GoalPart, goal_part
from goalkeeper.report.parts import Context
from goalkeeper.report.planned import count_planned, planned_runs
from goalkeeper.report.sarif_rules import goal_rules, taxonomies, variant_rules
from goalkeeper.report.untrusted import clean_assessment, clean_context

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
ROOT = "%SRCROOT%"
FINGERPRINT = "goalkeeper/v1"
NO_FILE = ApplicationFile(
    path="application.yaml"
)  # made in Python; viewers refuse a result nowhere
LONGEST = 1_000  # characters of a message: viewers show the beginning

Log = dict[str, Any]

_OF_VERDICT = {
    Verdict.MET: "pass",
    Verdict.NOT_MET: "fail",
    Verdict.INCONCLUSIVE: "open",
    Verdict.NOT_ASSESSED: "notApplicable",
}
_OF_OUTCOME = {
    RunOutcome.SUCCEEDS: "fail",
    RunOutcome.INCONCLUSIVE: "open",
    RunOutcome.TOO_COSTLY: "pass",
    RunOutcome.WITHSTOOD: "pass",
    RunOutcome.UNRATED: "informational",
}
_OF_STATUS = {
    Status.NOT_TESTED: "open",
    Status.EXCLUDED: "open",
    Status.FAILED_TO_RUN: "open",
    Status.NOT_APPLICABLE: "notApplicable",
}
_REASONS = {
    Status.NOT_TESTED: "{variant} by {attackers} was not tested: {reason}.",
    Status.EXCLUDED: "{variant} by {attackers} was excluded by choice: {reason}.",
    Status.FAILED_TO_RUN: "{variant} by {attackers} failed to run: {reason}.",
    Status.NOT_APPLICABLE: "{variant} by {attackers} does not apply: {reason}.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Test:
    """What a result is about: the same in every run of an application."""

    goal: Goal
    rule: str
    attack: str = ""
    task: str = ""
    part: str = ""

    def fingerprint(self, application: str) -> str:
        names = (application, self.goal, self.rule, self.attack, self.task, self.part)
        return hashlib.sha256("\0".join(names).encode()).hexdigest()


def render_sarif(assessment: Assessment, context: Context) -> Log:
    """Return the log as plain JSON values."""
    context = clean_context(context.in_repository())
    assessment, _ = clean_assessment(assessment, context)
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [_Run(assessment, context).log()]}


class _Run:
    """The run of one assessment."""

    def __init__(self, assessment: Assessment, context: Context) -> None:
        self._assessment = assessment
        self._context = context
        self._source = context.source or NO_FILE
        self._cards = findings(assessment, context)
        frameworks = taxonomies(assessment)
        self._taxonomies = frameworks
        self._rules = [*goal_rules(assessment), *variant_rules(assessment, context, frameworks)]
        self._index = {rule["id"]: i for i, rule in enumerate(self._rules)}

    def log(self) -> Log:
        """Return the run object."""
        assessment, app = self._assessment, self._assessment.application
        slug = re.sub(r"[^a-z0-9]+", "-", app.name.lower()).strip("-") or "application"
        return {
            "tool": {"driver": self._driver()},
            "automationDetails": {
                "id": f"goalkeeper/{slug}/",
                "description": {"text": f"Security assessment of {app.name}."},
            },
            "invocations": [self._invocation()],
            "originalUriBaseIds": {
                ROOT: {"description": {"text": "The root folder of the repository."}}
            },
            "artifacts": [self._artifact()],
            "columnKind": "unicodeCodePoints",
            "results": [r for r in self._results() if self._shown(r)],
            "taxonomies": self._taxonomies,
            "properties": {
                "verdict": str(assessment.verdict),
                "attackRuns": count_planned(planned_runs(assessment)),
                "seed": assessment.seed,
                "policy": assessment.policy.model_dump(),
                "applicationFingerprint": app.fingerprint,
                "environment": {k: v for k, v in assessment.environment.items() if k != "command"},
            },
        }

    def _shown(self, result: Log) -> bool:
        return result["kind"] == "fail" or not self._context.failures_only

    def _driver(self) -> Log:
        tool = self._assessment.tool
        return {
            "name": tool.name,
            "version": tool.version,
            "semanticVersion": tool.version,
            "shortDescription": {"text": "Evaluates the security of AI applications."},
            "rules": self._rules,
            "supportedTaxonomies": [
                {"name": t["name"], "index": i} for i, t in enumerate(self._taxonomies)
            ],
            "notifications": [
                _descriptor("failed-to-run", "An attack failed to run, so it shows nothing."),
                _descriptor("caveat", "This limits what the results show."),
            ],
        }

    def _artifact(self) -> Log:
        artifact: Log = {"location": {"uri": self._source.uri, "uriBaseId": ROOT}}
        digest = self._assessment.application.hashes.get(self._source.name)
        return artifact | ({"hashes": {"sha-256": digest}} if digest else {})

    def _invocation(self) -> Log:
        assessment = self._assessment
        failed = [e for e in assessment.evidence if e.status is Status.FAILED_TO_RUN]
        notes = [
            _note("failed-to-run", "error", f"{e.attack} by {e.attacker}: {e.result.reason}", 0)
            for e in failed
        ]
        notes += [_note("caveat", "note", text, 1) for text in assessment.application.caveats]
        command = self._context.commands.get("run", "")
        return {
            "executionSuccessful": not failed,
            "startTimeUtc": _utc(assessment.started),
            "endTimeUtc": _utc(assessment.finished),
            "toolExecutionNotifications": notes,
            "properties": {"complete": assessment.complete},
        } | ({"commandLine": f"{command} --seed {assessment.seed}"} if command else {})

    # ---- results ---------------------------------------------------------------------------------

    def _results(self) -> Iterator[Log]:
        for goal in (g for g in Goal if g in self._assessment.goals):
            yield self._verdict(goal_part(goal, self._assessment, self._cards))
        ran = dict(self._attack_runs())
        yield from ran.values()
        for test, found in self._not_run():
            if test not in ran:
                yield self._gap(test, found)

    def _verdict(self, part: GoalPart) -> Log:
        test = _Test(goal=part.goal, rule=f"goal.{part.goal}")
        text = f"{part.title}: {part.label.word}. {part.sentence}"
        places = [self._place("needs", str(part.goal))]
        return self._result(test, _OF_VERDICT[part.verdict], text, places) | {
            "properties": {"need": part.need, "risk": part.risk, "exposure": part.exposure}
        }

    def _attack_runs(self) -> Iterator[tuple[_Test, Log]]:
        """Yield one result for each goal, attack and task: of its most serious attack run."""
        worst: dict[_Test, tuple[int, tuple[Evidence, ...], Finding]] = {}
        groups = group_runs(self._assessment)
        for group, card in zip(groups, self._cards, strict=True):
            for test in self._tests(group[0]):
                outcome = determine_outcome(group, self._assessment.goals[test.goal])
                rank = list(RunOutcome).index(outcome)
                if test not in worst or rank < worst[test][0]:
                    worst[test] = (rank, group, card)
        for test, (rank, group, card) in worst.items():
            yield test, self._attack_run(test, list(RunOutcome)[rank], group, card)
        apart = [
            e
            for e in self._assessment.evidence
            if e.status in RUN_STATUSES and not e.standing.decides
        ]
        for test, found in self._by_test(apart).items():
            if test not in worst:
                yield test, self._by_assumption(test, found)

    def _attack_run(
        self, test: _Test, outcome: RunOutcome, group: tuple[Evidence, ...], card: Finding
    ) -> Log:
        places = [self._place("attackers", e.attacker) for e in group]
        about: Log = {
            "goal": str(test.goal),
            "outcome": str(outcome),
            "attack": test.attack,
            "task": test.task,
            "attackers": [e.attacker for e in group],
            "evidence": list(card.ids),
            "repeat": card.command,
        }
        if card.headline:
            about["measured"] = f"{card.metric}: {card.headline}"
        related = self._place("needs", str(test.goal)) | {
            "message": {"text": f"The declared need for {test.goal}."}
        }
        return self._result(test, _OF_OUTCOME[outcome], card.sentence, places) | {
            "relatedLocations": [related | {"id": 1}],
            "properties": about,
        }

    def _by_assumption(self, test: _Test, found: list[Evidence]) -> Log:
        first = found[0]
        text = f"{first.result.summary} Counts for no verdict: {first.standing.reason}."
        places = [self._place("attackers", first.attacker)]
        return self._result(test, "informational", text, places)

    def _not_run(self) -> Iterator[tuple[_Test, list[Evidence]]]:
        left = [
            e for e in self._assessment.evidence if e.status in _OF_STATUS and e.standing.decides
        ]
        yield from self._by_test(left).items()

    def _by_test(self, evidence: Iterable[Evidence]) -> Mapping[_Test, list[Evidence]]:
        found: dict[_Test, list[Evidence]] = {}
        for each in evidence:
            for test in self._tests(each):
                found.setdefault(test, []).append(each)
        return found

    def _tests(self, evidence: Evidence) -> Iterator[_Test]:
        for goal in (g for g in evidence.goals if g in self._assessment.goals):
            part = evidence.level or evidence.aspect
            yield _Test(
                goal=goal,
                rule=evidence.variant,
                attack=evidence.attack,
                task=evidence.task,
                part=str(part or "") if goal is Goal.INTEGRITY else "",
            )

    def _gap(self, test: _Test, found: list[Evidence]) -> Log:
        rank = list(_OF_STATUS)
        first = min(found, key=lambda e: rank.index(e.status))
        alike = [e.attacker for e in found if e.status is first.status]
        text = _REASONS[first.status].format(
            variant=first.attack or first.variant,
            attackers=fmt.join_words(tuple(dict.fromkeys(alike))),
            reason=first.result.reason.rstrip(".") or "no reason was recorded",
        )
        places = [self._place("attackers", first.attacker)]
        return self._result(test, _OF_STATUS[first.status], text, places)

    def _result(self, test: _Test, kind: str, text: str, places: list[Log]) -> Log:
        return {
            "ruleId": test.rule,
            "ruleIndex": self._index[test.rule],
            "kind": kind,
            "level": "error" if kind == "fail" else "none",
            "message": {"text": _brief(text)},
            "locations": places[:1],
            "partialFingerprints": {
                FINGERPRINT: test.fingerprint(self._assessment.application.name)
            },
        }

    def _place(self, section: str, name: str) -> Log:
        line = self._source.line(section, name)
        kind = "member" if section == "needs" else "object"
        return {
            "physicalLocation": {
                "artifactLocation": {"uri": self._source.uri, "uriBaseId": ROOT, "index": 0},
                "region": {"startLine": line},
            },
            "logicalLocations": [
                {"name": name, "fullyQualifiedName": f"{section}.{name}", "kind": kind}
            ],
        }


def _descriptor(id_: str, text: str) -> Log:
    said = {"text": text}
    return {"id": id_, "shortDescription": said, "fullDescription": said, "help": said}


def _note(id_: str, level: str, text: str, index: int) -> Log:
    return {
        "descriptor": {"id": id_, "index": index},
        "level": level,
        "message": {"text": _brief(text)},
    }


def _brief(text: str) -> str:
    """Write a text on one line; viewers read brackets as links, so they are escaped."""
    line = " ".join(text.split())
    line = line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
    return re.sub(r"([\[\]{}\\])", lambda found: _ESCAPES[found[1]], line)


_ESCAPES = {"[": "\\[", "]": "\\]", "\\": "\\\\", "{": "{{", "}": "}}"}


def _utc(moment: str) -> str:
    """Write a moment as the format wants it: with a Z."""
    return moment.replace("+00:00", "Z")
