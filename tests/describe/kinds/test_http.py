"""`model.http`: what the form refuses, what `load` asks, and a run whose service fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("aiohttp")

import goalkeeper as gk
from goalkeeper.cli.exits import choose_exit_code
from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.power import View
from goalkeeper.describe import check, load
from goalkeeper.running import Warned
from goalkeeper.verification import verify
from tests.describe.writing import BASE, FILTER, line_of, mail_lines
from tests.targets.serving import serving

SECRET = "k-5eCr3t/0123456789"  # noqa: S105
LOCAL = "http://127.0.0.1:1/x"
HTTP = """\
  http:
    url: {url}
    headers: {{Authorization: "Bearer ${{FILTER_KEY}}"}}
    request: {{"texts": "{{inputs}}", "user": "${{FILTER_KEY}}"}}
    response: results[*].scores
    retries: 0
"""


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FILTER_KEY", SECRET)


def filtering(body: Any) -> Any:
    """Answer as a filter that counts a word."""
    return {"results": [{"scores": scores(text)} for text in body["texts"]]}


def scores(text: str) -> dict[str, float]:
    spam = (1 + sum(text.count(word) for word in ("offer", "prize", "click"))) / 9
    return {"spam": spam, "ham": 1 - spam}


def written(folder: Path, model: str, n: int = 240) -> Path:
    """Write a text application whose model is what is given; returns the application file."""
    lines = mail_lines(n)
    cut = 2 * n // 5
    (folder / "train.csv").write_text("\n".join(lines[: cut + 1]) + "\n", encoding="utf-8")
    (folder / "test.csv").write_text("\n".join([lines[0], *lines[cut + 1 :]]) + "\n", "utf-8")
    (folder / "filter.py").write_text(FILTER, encoding="utf-8")
    text = BASE.replace("  file: mail.csv\n", "  train: train.csv\n  test: test.csv\n")
    text = text.replace(
        "  parts: {train: 0.4, holdout: 0.25, calibration: 0.1, similar: 0.25}\n", ""
    )
    path = folder / "app.yaml"
    path.write_text(text.replace("  build: filter.py:build\n", model), encoding="utf-8")
    return path


def asked(url: str, **keys: Any) -> str:
    """Write the model section, with further keys under http."""
    more = "".join(f"    {name}: {json.dumps(value)}\n" for name, value in keys.items())
    return HTTP.format(url=url) + more


# ---- the form ------------------------------------------------------------------------------------


def refused(folder: Path, model: str) -> DescriptionError:
    """Return the only problem of an application with this model section."""
    found = check(written(folder, model))
    assert len(found) == 1, found
    assert isinstance(found[0], DescriptionError)
    return found[0]


@pytest.mark.parametrize(
    ("keys", "key", "words"),
    [
        ({"url": "ftp://x/y"}, "url", "no address of a service"),
        ({"url": "localhost:8000"}, "url", "no address of a service"),
        ({"url": "http://me:pw@x/"}, "url", "credentials may not stand in the address"),
        ({"url": "http://${NO_SUCH_HOST}/"}, "url", "NO_SUCH_HOST is not set"),
        ({"headers": {"X-Api-Key": "abc"}}, "headers.X-Api-Key", "a secret may not stand in"),
        ({"headers": {"X-Api-Key": "${NO_SUCH}"}}, "headers.X-Api-Key", "NO_SUCH is not set"),
        ({"request": {"texts": "none"}}, "request", "no place for the inputs"),
        ({"response": "a["}, "response", "this is no path"),
        ({"refusal": {"answer": "spam", "field": "a["}}, "refusal.field", "this is no path"),
        ({"rate": "fast"}, "rate", "this is no amount"),
        ({"rate": "5 per fortnight"}, "rate", "this is no amount"),
        ({"rate": 0}, "rate", "this is no amount"),
        ({"timeout": "soon"}, "timeout", "this is no amount"),
        ({"price": "1 per word"}, "price", "this is no amount"),
        ({"cap": 3}, "cap", "a cap needs a price"),
        ({"request": {"text": "{input}"}, "batch": 2}, "batch", "takes a single input"),
        ({"certificates": "no.pem"}, "certificates", "does not exist"),
        ({"batches": 3}, "batches", "there is no such key"),
        ({"budget": 0}, "budget", "must be at least 1"),
        ({"method": "GET"}, "method", "this value is not known"),
    ],
)
def test_what_cannot_be_used_is_named(
    keys: dict[str, Any], key: str, words: str, tmp_path: Path
) -> None:
    given = {"url": LOCAL, **keys}
    model = "  http:\n" + "".join(f"    {k}: {json.dumps(v)}\n" for k, v in given.items())
    error = refused(tmp_path, model)
    assert error.key == f"model.http.{key}"
    assert words in str(error)
    assert error.advice
    assert "abc" not in str(error)
    assert error.where.startswith("app.yaml:")


def test_a_secret_with_a_line_break_is_named_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FILTER_KEY", f"{SECRET}\n")
    error = refused(tmp_path, asked(LOCAL))
    assert "line break" in str(error)
    assert SECRET not in str(error)


def test_the_class_of_a_refusal_is_one_of_the_classes(tmp_path: Path) -> None:
    path = written(tmp_path, asked(LOCAL, refusal={"answer": "no", "status": [451]}))
    with pytest.raises(DescriptionError, match="not one of the classes") as raised:
        load(path)
    assert raised.value.key == "model.http.refusal.answer"


def test_training_records_must_be_named(tmp_path: Path) -> None:
    path = written(tmp_path, f"  http: {LOCAL}\n")
    text = path.read_text(encoding="utf-8").replace("  train: train.csv\n  test: test.csv\n",
                                                     "  file: train.csv\n")  # fmt: skip
    path.write_text(text, encoding="utf-8")
    assert "its training records are not named" in str(check(path)[0])
    assert line_of(text, "http:")


@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        ({"rate": "50 per second"}, (50, 1.0)),
        ({"rate": "600 per minute"}, (600, 60.0)),
        ({"rate": "864/day"}, (864, 86_400.0)),
        ({"rate": 40}, (40, 1.0)),
        ({}, (0, 0.0)),
    ],
)
def test_limits_are_read(keys: dict[str, Any], wanted: tuple[int, float], tmp_path: Path) -> None:
    given = {"budget": 100, "price": "0.05 per input", "cap": 7, **keys}
    with serving(filtering) as served:
        app = load(written(tmp_path, asked(served.url, **given)))
        target: Any = app.target
        limits = target.service.limits
        assert (limits.most, limits.window) == wanted
        assert (limits.budget, limits.price, limits.per, limits.cap) == (100, 0.05, "input", 7)
        target.service.close()


# ---- loading -------------------------------------------------------------------------------------


def test_a_service_answers_as_its_model(tmp_path: Path) -> None:
    """Checking asks 111 inputs: 4 for the kind, 50 twice, and 8 alone; 1 of them is among both."""
    with serving(filtering) as served:
        path = written(tmp_path, asked(served.url))
        assert check(path) == ()
        assert served.seen == 0
        app = load(path)
        target: Any = app.target
        assert served.seen == target.service.spent.requests == 1 + 2 + 2 + 8
        assert served.headers[0]["authorization"] == f"Bearer {SECRET}"
        x = app.data.holdout.x
        answers = app.target.answer(x, View.SCORES)
        wanted = [[scores(text)["ham"], scores(text)["spam"]] for text in x]
        np.testing.assert_array_equal(answers.scores, wanted)
        assert app.trainer is None
        assert any("the model is a service" in caveat for caveat in app.caveats)
        target.service.close()


def test_the_address_alone_is_enough(tmp_path: Path) -> None:
    plain = lambda body: {"predictions": [scores(text) for text in body["inputs"]]}  # noqa: E731
    with serving(plain) as served:
        app = load(written(tmp_path, f"  http: {served.url}\n"))
        assert app.target.offers is View.SCORES
        app.target.service.close()  # type: ignore[attr-defined]


def test_a_service_that_gives_no_answer_is_refused_with_its_key(tmp_path: Path) -> None:
    with serving(always="401") as served:
        path = written(tmp_path, asked(served.url))
        with pytest.raises(DescriptionError, match=r"HTTP 401.*check FILTER_KEY") as raised:
            load(path)
    assert raised.value.key == "model.http"
    assert SECRET not in str(raised.value)


def test_secrets_without_tls_are_a_caveat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from goalkeeper.describe.kinds import http

    monkeypatch.setattr(http, "LOCAL", frozenset({"localhost"}))
    with serving(filtering) as served:
        app = load(written(tmp_path, asked(served.url, cache=False)))
        app.target.service.close()  # type: ignore[attr-defined]
    assert any("without TLS" in caveat for caveat in app.caveats)
    assert any("asks again" in caveat for caveat in app.caveats)


# ---- a function that fails now and then ----------------------------------------------------------


@pytest.mark.parametrize(("retries", "works"), [("", True), ("  retries: 0\n", False)])
def test_a_function_is_called_again(
    retries: str, *, works: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from goalkeeper.targets import _retrying

    monkeypatch.setattr(_retrying, "FIRST_WAIT", 0.0)
    path = written(tmp_path, f"  function: filter.py:unreliable\n{retries}")
    code = FILTER + (
        "calls = []\ndef unreliable(x):\n    calls.append(1)\n"
        "    if len(calls) % 3 == 0:\n        raise ConnectionError('503')\n"
        "    return predict(x)\n"
    )
    (tmp_path / "filter.py").write_text(code, encoding="utf-8")
    if works:
        app = load(path)
        for _ in range(9):
            app.target.answer(app.data.holdout.x, View.LABELS)
    else:
        with pytest.raises(DescriptionError, match=r"raised ConnectionError: 503 \(called 1 times"):
            load(path)


def test_retries_are_for_functions(tmp_path: Path) -> None:
    found = check(written(tmp_path, f"{asked(LOCAL)}  retries: 1\n"))
    assert "model.http.retries" in str(found[0])


# ---- a run ---------------------------------------------------------------------------------------

ATTACKS = ("loss_threshold", "substitute_from_scores")


def run(path: Path, folder: Path, **options: Any) -> gk.Assessment:
    given = gk.RunOptions(
        execution=gk.Execution(executor="inline"),
        sizing=gk.Sizing(effort=0.25),
        store=False,
        **options,
    )
    return gk.run(
        path, folder, choice=gk.Choice(attackers=("customer",), attacks=ATTACKS), options=given
    )


def test_a_run_keeps_what_it_paid_for_when_its_service_fails(tmp_path: Path) -> None:
    """The service fails for good after so many requests; the same call later pays for the rest."""
    folder = tmp_path / "run"
    with serving(filtering) as served:
        path = written(tmp_path, asked(served.url))
        whole = run(path, tmp_path / "whole")
        most = served.seen
        broken_at = 19  # after the check and the baseline
        served.seen, served.script = 0, dict.fromkeys(range(broken_at, 10 * most), "503")
        broken = run(path, folder)
        failed = {e.unit for e in broken.evidence if e.status is gk.Status.FAILED_TO_RUN and e.unit}
        done = {e.unit for e in broken.evidence if e.status is gk.Status.TESTED and e.unit}
        assert failed
        assert done
        assert choose_exit_code(broken) == 2
        for evidence in broken.evidence:
            if evidence.unit in failed and "service" in evidence.result.reason:
                assert "\n" not in evidence.result.reason
        sent = spent(folder)
        assert sent == served.seen
        served.script = {}
        before = served.seen
        assert run(path, folder).verdict == whole.verdict
        assert 0 < served.seen - before <= most - broken_at + 3  # and the check at the start
        assert spent(folder) == served.seen
    assert verify(folder).problems == ()
    for file in (p for p in tmp_path.rglob("*") if p.is_file()):
        assert SECRET.encode() not in file.read_bytes(), file


def spent(folder: Path) -> int:
    from goalkeeper.targets._http_ledger import Ledger, ServiceLimits

    ledger = Ledger(folder / ".service", ServiceLimits())
    requests = ledger.spent().requests
    ledger.close()
    return requests


def test_a_service_that_changed_is_noticed_when_a_run_is_resumed(tmp_path: Path) -> None:
    events: list[Any] = []
    with serving(filtering) as served:
        path = written(tmp_path, asked(served.url))
        run(path, tmp_path / "run", progress=events.append)
        served.answer = lambda body: {
            "results": [{"scores": {"ham": 0.1, "spam": 0.9}} for _ in body["texts"]]
        }
        assert not [e for e in events if isinstance(e, Warned)]
        run(path, tmp_path / "run", progress=events.append)
    warned = [event.text for event in events if isinstance(event, Warned)]
    assert len(warned) == 1
    assert "gives another class to" in warned[0]


def test_a_plan_beyond_the_budget_is_a_warning(tmp_path: Path) -> None:
    events: list[Any] = []
    with serving(filtering) as served:
        path = written(tmp_path, asked(served.url, budget=20))
        broken = run(path, tmp_path / "run", progress=events.append)
        assert served.seen == 20
    warned = [event.text for event in events if isinstance(event, Warned)]
    assert warned[0].startswith("the budget of 20 requests is expected to be exceeded")
    reasons = {e.result.reason for e in broken.evidence if e.status is gk.Status.FAILED_TO_RUN}
    assert any("the budget of 20 requests is spent" in reason for reason in reasons)
