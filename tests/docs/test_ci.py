"""The examples for CI work: workflows parse, their commands exist, and do what the page says."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from goalkeeper.cli.exits import Exit
from goalkeeper.examples import write_example
from goalkeeper.report import renderers
from tests.cli.inline import inline
from tests.docs.pages import DOCS, ROOT, titled
from tests.docs.test_commands import VERBS, options
from tests.report import sample

PAGE = DOCS / "how-to" / "ci.md"
WORKFLOW = ".github/workflows/goalkeeper.yaml"
GITLAB = ".gitlab-ci.yml"


def read_yaml(title: str) -> dict[Any, Any]:
    content = yaml.safe_load(titled(PAGE, title))
    assert isinstance(content, dict)
    return content


def steps() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_yaml(WORKFLOW)["jobs"]["assess"]["steps"]
    return found


def lines(title: str) -> Iterator[str]:
    """Find every command of an example that calls goalkeeper."""
    if title == GITLAB:
        scripts = read_yaml(GITLAB)["assess"]["script"]
    else:
        scripts = [step["run"] for step in steps() if "run" in step]
    for script in scripts:
        yield from (line for line in script.splitlines() if line.startswith("goalkeeper "))


@pytest.mark.parametrize("title", [WORKFLOW, GITLAB])
def test_commands_of_workflows_exist(title: str) -> None:
    found = list(lines(title))
    assert found
    for line in found:
        _, verb, *words = shlex.split(line)
        known, given = options(verb), iter(words)
        for word in given:
            if word.startswith("-"):
                assert word in known, f"{title}: {verb} has no option {word}"
                value = next(given, "") if known[word] else ""
                if word == "--format":
                    assert set(value.split(",")) <= set(renderers())


def test_the_workflow_uploads_what_it_writes() -> None:
    """Files named by a step are those that an earlier step writes; alerts and comment may write."""
    workflow = read_yaml(WORKFLOW)
    written = set(re.findall(r"-o (\S+)", "\n".join(lines(WORKFLOW))))
    upload = next(step for step in steps() if "upload-sarif" in step.get("uses", ""))
    assert upload["with"]["sarif_file"] in written
    comment = next(step for step in steps() if step.get("name") == "Comment")
    assert set(re.findall(r"--body-file (\S+)", comment["run"])) <= written
    assert workflow["permissions"]["security-events"] == "write"
    assert workflow["permissions"]["pull-requests"] == "write"
    cached = next(step for step in steps() if "actions/cache" in step.get("uses", ""))
    store = workflow["jobs"]["assess"]["env"]["GOALKEEPER_STORE"]
    assert store.endswith(f"/{cached['with']['path']}")
    after = steps()[[step.get("name") for step in steps()].index("Assess") + 1 :]
    assert all("failure()" in step["if"] for step in after), "a verdict does not hide its report"


def test_no_step_puts_what_others_wrote_into_a_shell() -> None:
    for step in steps():
        assert "${{" not in step.get("run", ""), "use the environment: it is quoted"


def test_reports_of_the_workflow_are_written(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    sample.assessment().save(tmp_path / "run" / "assessment.json")
    rendering = [line for line in lines(WORKFLOW) if " report " in line]
    assert len(rendering) == 2
    for line in rendering:
        done = inline(*shlex.split(line)[1:], cwd=tmp_path)
        assert done.code == 0, done.err
    log = json.loads((tmp_path / "goalkeeper.sarif").read_text())
    assert {r["kind"] for r in log["runs"][0]["results"]} == {"fail"}
    assert len((tmp_path / "comment.md").read_text().splitlines()) < 60


@pytest.mark.validation
@pytest.mark.parametrize("title", [WORKFLOW, GITLAB])
def test_workflows_work_on_the_bundled_example(title: str, tmp_path: Path) -> None:
    write_example("spam-filter", tmp_path, size=700)
    verdicts = (Exit.MET, Exit.NOT_MET, Exit.INCONCLUSIVE)
    for line in lines(title):
        done = inline(*shlex.split(line)[1:], cwd=tmp_path)
        assert done.code in (verdicts if " run " in line else (0,)), done.err
    if title == GITLAB:
        junit = read_yaml(GITLAB)["assess"]["artifacts"]["reports"]["junit"]
        assert (tmp_path / junit).read_text().startswith("<?xml")


# ---- hooks ---------------------------------------------------------------------------------------


def hooks() -> dict[str, dict[str, str]]:
    listed = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    return {hook["id"]: hook for hook in listed}


def test_hooks_of_the_page_exist_and_their_commands_too() -> None:
    (repository,) = read_yaml(".pre-commit-config.yaml")["repos"]
    assert {hook["id"] for hook in repository["hooks"]} == set(hooks())
    for hook in hooks().values():
        assert {"id", "name", "entry", "language", "files"} <= set(hook)
        program, verb, *words = shlex.split(hook["entry"])
        assert (program, hook["language"]) == ("goalkeeper", "python")
        assert verb in VERBS
        assert set(words) <= set(options(verb))


@pytest.mark.parametrize(
    ("hook", "files", "others"),
    [
        (
            "goalkeeper-check",
            ["application.yaml", "models/spam/application_hardened.yml"],
            ["docker-compose.yaml", "application.schema.json"],
        ),
        ("goalkeeper-scan", ["models/model.joblib", "weights.pt"], ["model.py", "a.pt.txt"]),
    ],
)
def test_hooks_get_the_files_that_they_are_for(
    hook: str, files: list[str], others: list[str]
) -> None:
    pattern = hooks()[hook]["files"]
    assert [f for f in (*files, *others) if re.search(pattern, f)] == files


def test_a_hook_checks_several_files_and_names_the_wrong_one(tmp_path: Path) -> None:
    good, bad = (tmp_path / name / "application.yaml" for name in ("good", "bad"))
    for file in (good, bad):
        write_example("spam-filter", file.parent, size=200)
    words = shlex.split(hooks()["goalkeeper-check"]["entry"])[1:]
    done = inline(*words, good, bad)
    assert done.code == 0, done.err
    bad.write_text(bad.read_text().replace("harmless: ham", "harmless: eggs"))
    done = inline(*words, bad, good)
    assert done.code == Exit.USAGE
    assert "eggs" in done.err
    assert f"{good}: valid" in done.out, "the others are checked nevertheless"
    found = json.loads(inline(*words, "--json", bad, good).out)
    assert [(one["file"], one["usable"]) for one in found] == [(str(bad), False), (str(good), True)]
