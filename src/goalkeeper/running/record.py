"""What a run writes beside its units: the plan before it, assessment and report after it."""

from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path

from goalkeeper.assessing import Session
from goalkeeper.compute.folder import ASSESSMENT, REPORT, RunFolder
from goalkeeper.core.assessment import Assessment
from goalkeeper.core.errors import PolicyError
from goalkeeper.core.frameworks import Framework
from goalkeeper.environment import environment, tool_version
from goalkeeper.planning.evidence import used_units
from goalkeeper.policy import NOTE, Policy, default_policy
from goalkeeper.report import AssignmentRow, Context, renderers
from goalkeeper.report.parts import VERBS

POLICY = "policy"  # the folder of the two files that rate a run


def freeze(session: Session, folder: RunFolder) -> None:
    """Write down what will run, under which rules, before anything does."""
    rows = [entry.row().model_dump(mode="json") for entry in session.plan.entries]
    text = json.dumps(rows, sort_keys=True)
    description = session.description
    frozen = {
        "tool": tool_version(),
        "application": session.app.name,
        "fingerprint": session.app.fingerprint,
        "file": session.file,
        "person": session.app.person or "",
        "description": description.read_bytes().decode("utf-8") if description else "",
        "hashes": dict(session.app.hashes),
        "policy": session.policy.row().model_dump(),
        "seed": session.seed,
        "effort": session.plan.choice.effort,
        "plan_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "plan": rows,
        "units": {unit.id: unit.identity for unit in session.plan.looks},
        "environment": environment(),
    }
    folder.write("run.json", json.dumps(frozen, indent=1) + "\n")
    for name, content in session.policy.files.items():
        folder.write(f"{POLICY}/{name}", content)


def write_assessment(session: Session, folder: RunFolder, assessment: Assessment) -> None:
    """Write the assessment and its report, and seal the folder."""
    folder.write(ASSESSMENT, assessment.to_json())
    person = session.app.person or ""
    folder.write(REPORT, render_report(assessment, session.policy, session.file, person))
    folder.keep_units(used_units(assessment))
    folder.seal()


def render_report(assessment: Assessment, policy: Policy, file: str, person: str) -> str:
    """Render the report as a run folder holds it: the same text from the same content."""
    about = report_context(policy, file=file, person=person)
    return renderers()[Path(REPORT).suffix[1:]]().render(assessment, about)


def read_policy(root: Path) -> Policy:
    """Read the rules that a run folder was rated by; raises PolicyError."""
    return Policy.load(root / POLICY / "taxonomy.yaml", root / POLICY / "rating.yaml")


def frameworks_of(root: Path) -> tuple[Framework, ...]:
    """List the frameworks of the taxonomy that a run folder was rated by, and ours beside them.

    A framework that the run's taxonomy does not name is taken from ours: an older run is read
    against today's list. A folder without a readable policy gets all of ours.
    """
    ours = {framework.key: framework for framework in default_policy().frameworks()}
    try:
        theirs = {framework.key: framework for framework in read_policy(root).frameworks()}
    except PolicyError:
        theirs = {}
    return tuple((ours | theirs).values())


def report_context(
    policy: Policy, *, file: str = "", show_private: bool = False, person: str = ""
) -> Context:
    """Gather what the report shows beside the assessment.

    Parameters
    ----------
    file
        The application file as the user named it; empty for none.
    show_private
        Whether examples of training data and the names of people are shown.
    person
        The column that names people.
    """
    return Context(
        assignment=tuple(
            AssignmentRow(
                family=row.family, english=row.english, german=row.german, ours=row.definition
            )
            for row in policy.assignment()
        ),
        note=NOTE,
        frameworks=policy.frameworks(),
        citations={key: policy.citation(key) for key in policy.taxonomy.literature},
        commands={verb: shlex.join(["goalkeeper", verb, file]) for verb in VERBS} if file else {},
        show_private=show_private,
        person=person or "person",
    )
