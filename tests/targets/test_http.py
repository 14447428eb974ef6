"""A service as a target: every answer is for its own input, and every request is counted."""

from __future__ import annotations

import gzip
import json
import math
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("aiohttp")

from goalkeeper.core.asking import again
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.errors import NotOffered, TargetError
from goalkeeper.core.power import View
from goalkeeper.targets import _http_client, _http_replies
from goalkeeper.targets._http_answers import Refusal
from goalkeeper.targets._http_client import Endpoint, Manners
from goalkeeper.targets._http_ledger import Ledger, ServiceLimits, Slots
from goalkeeper.targets._http_replies import Secrets
from goalkeeper.targets._http_service import Contract, ModelService, ServiceSettings
from goalkeeper.targets._http_templates import AnswerPath, RequestTemplate
from goalkeeper.targets.checks import preflight
from goalkeeper.targets.http import HttpTarget
from tests.targets.serving import Served, score, scores, serving

SECRET = 's3cr3t/Key+of"mine'  # noqa: S105 - with what URLs and JSON write otherwise
CLASSES = ("ham", "spam")


def texts(n: int, start: int = 0) -> Any:
    return np.array([f"text {i}" for i in range(start, start + n)], dtype=object)


@contextmanager
def asking(served: Served, folder: Path | None = None, **given: Any) -> Iterator[ModelService]:
    """Make a service that never really waits; `given` are settings, by their own names."""
    pauses = given.pop("pauses", [])

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    request = RequestTemplate(given.pop("request", {"inputs": "{inputs}"}))
    service = ModelService(
        ServiceSettings(
            endpoint=Endpoint(
                name="http://SERVICE",
                url=given.pop("url", served.url),
                method=given.pop("method", "POST"),
                headers=given.pop("headers", {}),
                secrets=Secrets({"API_KEY": SECRET}),
                ca=given.pop("ca", None),
            ),
            contract=Contract(
                request=request,
                response=AnswerPath(given.pop("response", "predictions")),
                batch=given.pop("batch", 4),
                refusal=given.pop("refusal", None),
                variables="API_KEY",
            ),
            manners=Manners(
                concurrency=given.pop("concurrency", 4),
                timeout=given.pop("timeout", 5.0),
                retries=given.pop("retries", 5),
            ),
            limits=ServiceLimits(**given.pop("limits", {})),
            cache=given.pop("cache", True),
            folder=folder,
            client={"pause": pause},
        )
    )
    assert not given
    try:
        yield service
    finally:
        service.close()


def answered(service: ModelService, x: Any, occasion: str | None = "") -> Any:
    return service.answers(x, TextDomain(), CLASSES, occasion=occasion)


def expected(x: Any) -> Any:
    return np.array([score(text) for text in x])


FAULTS = (
    "drop before", "drop after", "429", "wait 7", "500", "502", "503", "504", "malformed",
    "truncated", "garbage",
)  # fmt: skip


@pytest.mark.parametrize("cache", [True, False])
def test_under_faults_answers_are_right_and_every_request_is_counted(*, cache: bool) -> None:
    """Every third request fails, each way in turn; texts come twice."""
    x = np.concatenate([texts(61), texts(20, 50)])
    script = {3 * i: FAULTS[i % len(FAULTS)] for i in range(20)}
    with serving(script=script) as served, asking(served, cache=cache, retries=20) as service:
        np.testing.assert_array_equal(answered(service, x), expected(x))
        spent = service.spent
        assert spent.requests == served.seen
        assert spent.answered == (len(set(x)) if cache else len(x))
        batches = math.ceil(spent.answered / 4)
        failed = sum(number < served.seen for number in script)
        assert served.seen == batches + failed
        before = served.seen
        np.testing.assert_array_equal(answered(service, x[::-1]), expected(x[::-1]))
        assert (served.seen == before) == cache


def test_a_slow_request_is_asked_again() -> None:
    with (
        serving(script={1: "slow", 2: "drip"}) as served,
        asking(served, timeout=0.25, concurrency=1) as service,
    ):
        np.testing.assert_array_equal(answered(service, texts(9)), expected(texts(9)))
        assert service.spent.requests == served.seen == 5


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_no_request_is_repeated_behind_the_ledger(method: str) -> None:
    """HTTP clients repeat some methods by themselves when a kept connection breaks."""
    script = {1: "drop before", 3: "drop after", 5: "drop before"}
    with (
        serving(script=script) as served,
        asking(served, method=method, concurrency=1) as service,
    ):
        answered(service, texts(24))
        assert service.spent.requests == served.seen == 9


def test_answers_that_differ_each_time_are_kept_once() -> None:
    count = iter(range(10_000))
    fresh = lambda body: {"predictions": [[next(count), 0] for _ in body["inputs"]]}  # noqa: E731
    with serving(fresh) as served, asking(served) as service:
        first = answered(service, texts(10))
        np.testing.assert_array_equal(answered(service, texts(10)), first)
        assert served.seen == 3
        assert (answered(service, texts(10), None) != first).any()
        assert served.seen == 6
        assert (answered(service, texts(10), "twice") != first).any()
        answered(service, texts(10), "twice")
        assert service.spent.requests == served.seen == 9


# ---- limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize("budget", [1, 7, 10])
def test_the_budget_is_hard_and_counts_retries(budget: int) -> None:
    with (
        serving(always="503") as served,
        asking(served, limits={"budget": budget}, retries=20) as service,
        pytest.raises(TargetError, match=f"the budget of {budget} requests is spent"),
    ):
        answered(service, texts(100))
    assert served.seen == budget


def test_the_budget_holds_for_all_processes_and_in_the_next_run(tmp_path: Path) -> None:
    limits = {"budget": 8}
    with serving() as served:
        with (
            asking(served, tmp_path, limits=limits) as one,
            asking(served, tmp_path, limits=limits) as two,
        ):
            answered(one, texts(16))
            answered(two, texts(16, 100))
            with pytest.raises(TargetError, match="budget"):
                answered(two, texts(1, 300))
        assert served.seen == 8
        with asking(served, tmp_path, limits={"budget": 9}) as later:
            answered(later, np.concatenate([texts(16), texts(4, 400)]))
            assert later.spent.requests == served.seen == 9


@pytest.mark.parametrize(
    ("limits", "requests"),
    [
        ({"price": 0.1, "cap": 0.5}, 5),
        ({"price": 0.1, "cap": 0.59}, 5),
        ({"price": 0.1, "per": "input", "cap": 1.0}, 2),
    ],
)
def test_the_cap_stops_with_what_it_bought(limits: dict[str, Any], requests: int) -> None:
    with serving() as served, asking(served, limits=limits, concurrency=1) as service:
        with pytest.raises(TargetError, match=r"exceed the cap: 0\.\d0 of \d\.\d\d is spent"):
            answered(service, texts(100))
        assert service.spent.requests == served.seen == requests
        x = texts(4 * requests)
        np.testing.assert_array_equal(answered(service, x), expected(x))  # bought, and kept
        assert served.seen == requests


def test_requests_wait_for_their_turn() -> None:
    ledger = Ledger(None, ServiceLimits(most=2, window=10.0))
    asked = (100.0, 101.0, 101.0, 105.0, 105.0, 105.0, 200.0, 200.0, 200.0)
    assert [ledger.reserve(1, now) for now in asked] == [0, 0, 9, 6, 15, 16, 0, 0, 10]
    assert ledger.reserve(1, 5.0) == 0  # the clock began again with the machine
    assert [ledger.reserve(1, 5.0) for _ in range(3)] == [0, 10, 10]
    ledger.close()


def test_no_window_has_more_than_the_rate() -> None:
    ledger, rng = Ledger(None, ServiceLimits(most=7, window=3.0)), np.random.default_rng(0)
    asked = np.cumsum(rng.exponential(0.2, 500))
    starts = np.sort([now + ledger.reserve(1, now) for now in asked.tolist()])
    assert (starts[7:] - starts[:-7] >= 3.0 - 1e-9).all()
    assert starts[-1] < 500 / 7 * 3.0 + asked[0]  # and no more waiting than that takes
    ledger.close()


def test_the_rate_is_kept() -> None:
    pauses: list[float] = []
    with (
        serving() as served,
        asking(served, limits={"most": 1, "window": 10.0}, pauses=pauses) as service,
    ):
        answered(service, texts(12))
    assert [round(p) for p in pauses] == [10, 20]  # from a start that does not move here


def test_requests_in_flight_are_bounded_for_all_processes(tmp_path: Path) -> None:
    def slow(body: Any) -> Any:
        time.sleep(0.01)
        return scores(body)

    with (
        serving(slow) as served,
        asking(served, tmp_path, concurrency=2, batch=1) as one,
        asking(served, tmp_path, concurrency=2, batch=1) as two,
    ):
        other = threading.Thread(target=answered, args=(two, texts(12, 100)))
        other.start()
        answered(one, texts(12))
        other.join()
    assert served.most == 2


def test_a_slot_is_free_again_when_its_process_ends(tmp_path: Path) -> None:
    one, two = Slots(tmp_path, 1), Slots(tmp_path, 1)
    assert one.take() == 0
    assert two.take() is None
    one.close()
    assert two.take() == 0
    two.close()


# ---- failing -------------------------------------------------------------------------------------


def test_what_was_answered_before_a_failure_is_not_paid_again(tmp_path: Path) -> None:
    x = texts(40)
    with serving(script=dict.fromkeys(range(5, 100), "503")) as served:
        with asking(served, tmp_path, retries=2) as service:
            with pytest.raises(TargetError, match=r"HTTP 503.*\(tried 3 times\)"):
                answered(service, x)
            assert service.spent.requests == served.seen
        kept = service_kept(tmp_path)
        assert kept == 20
        served.script = {}
        before = served.seen
        with asking(served, tmp_path) as service:
            np.testing.assert_array_equal(answered(service, x), expected(x))
            assert served.seen - before == 5
            assert service.spent.requests == served.seen
            assert service.spent.answered == 40


def service_kept(folder: Path) -> int:
    ledger = Ledger(folder, ServiceLimits())
    answered = ledger.spent().answered
    ledger.close()
    return answered


def test_a_service_that_keeps_failing_is_left_alone() -> None:
    with serving(always="500") as served, asking(served, retries=1, concurrency=1) as service:
        for _ in range(_http_client.OPENS):
            with pytest.raises(TargetError, match="HTTP 500"):
                answered(service, texts(1))
        seen = served.seen
        with pytest.raises(TargetError, match=r"3 requests failed one after the other.*HTTP 500"):
            answered(service, texts(1))
        assert served.seen == seen == 6


def test_a_service_that_cannot_be_reached_costs_nothing() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (
        asking(Served(), url=f"http://127.0.0.1:{port}/", retries=2) as service,
        pytest.raises(TargetError, match=r"cannot be reached \(Conn.*tried 3 times"),
    ):
        answered(service, texts(1))
    assert service.limits == ServiceLimits()


def test_what_was_not_sent_is_not_counted() -> None:
    with asking(Served(), url="http://127.0.0.1:1/", retries=3) as service:
        with pytest.raises(TargetError):
            answered(service, texts(30))
        assert service.spent.requests == service.spent.inputs == 0


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (400, "check model.http.request"),
        (401, "check API_KEY and model.http.headers"),
        (403, "check API_KEY and model.http.headers"),
        (404, "check model.http.url"),
        (405, "check model.http.method"),
        (413, "bound the inputs"),
        (422, "check model.http.request"),
    ],
)
def test_other_statuses_are_not_tried_again(status: int, remedy: str) -> None:
    detail = "x" * 500
    with serving(always=f"status {status} {detail}") as served, asking(served) as service:
        with pytest.raises(TargetError) as raised:
            answered(service, texts(1))
        assert served.seen == service.spent.requests == 1
    said = str(raised.value)
    assert said.startswith(f"the service at http://SERVICE: it answered HTTP {status}: xxx")
    assert "x" * 200 in said
    assert "x" * 201 not in said
    assert remedy in said
    assert "\n" not in said


@pytest.mark.parametrize(("asked", "waited"), [("7", 7.0), ("0", 0.0), ("x", None)])
def test_the_time_that_the_service_asks_for_is_waited(asked: str, waited: float | None) -> None:
    pauses: list[float] = []
    with (
        serving(script={0: f"wait {asked}"}) as served,
        asking(served, pauses=pauses) as service,
    ):
        answered(service, texts(1))
    if waited is None:
        assert len(pauses) == 1
        assert 0.25 <= pauses[0] <= 0.5
    else:
        assert pauses[:1] == [waited]


def test_a_date_to_wait_for_counts_from_the_date_of_the_reply() -> None:
    reply = _http_replies.ServiceReply(
        status=429,
        headers={
            "retry-after": "Wed, 01 Jan 2020 10:00:30 GMT",
            "date": "Wed, 01 Jan 2020 10:00:00 GMT",
        },
        body=b"",
    )
    with pytest.raises(_http_replies.Transient) as raised:
        _http_replies.judged(reply, 1, "")
    assert raised.value.wait == 30.0


def test_a_day_is_not_waited() -> None:
    with (
        serving(always="wait 86400") as served,
        asking(served) as service,
        pytest.raises(TargetError, match="asks to wait for 86400 s"),
    ):
        answered(service, texts(1))


def test_waits_double_and_are_spread() -> None:
    pauses: list[float] = []
    with (
        serving(always="503") as served,
        asking(served, pauses=pauses, retries=4) as service,
        pytest.raises(TargetError),
    ):
        answered(service, texts(1))
    for pause, longest in zip(pauses, (0.5, 1.0, 2.0, 4.0), strict=True):
        assert longest / 2 <= pause <= longest


def test_too_large_a_batch_is_cut() -> None:
    def picky(body: Any) -> Any:
        if len(body["inputs"]) > 3:
            raise Large
        return {"predictions": [score(text) for text in body["inputs"]]}

    with serving_large(picky) as served, asking(served, batch=16, concurrency=1) as service:
        np.testing.assert_array_equal(answered(service, texts(40)), expected(texts(40)))
        assert service.batch == 2
        assert service.spent.requests == served.seen
        assert max(map(len, served.inputs)) == 16
        assert [len(each) for each in served.inputs].count(16) == 1  # learnt at once


class Large(Exception):
    pass


@contextmanager
def serving_large(answer: Callable[[Any], Any]) -> Iterator[Served]:
    """Answer 413 where the answer raises Large."""
    from tests.targets import serving as module

    made = module.handler

    def handler(served: Served) -> Any:
        class Handler(made(served)):  # type: ignore[misc]
            def respond(self, fault: str) -> None:
                try:
                    super().respond(fault)
                except Large:
                    self.send(413, b"too large")

        return Handler

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "handler", handler)
        with serving(answer) as served:
            yield served


# ---- what comes back -----------------------------------------------------------------------------


def replied(content: bytes, headers: dict[str, str] | None = None, **given: Any) -> str:
    """Return the error for a service that always sends these bytes, and check the counts."""
    from tests.targets import serving as module

    made = module.handler

    def handler(served: Served) -> Any:
        class Handler(made(served)):  # type: ignore[misc]
            def respond(self, _fault: str) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                self.send(200, content, headers)

        return Handler

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "handler", handler)
        with serving() as served, asking(served, retries=1, **given) as service:
            with pytest.raises(TargetError) as raised:
                answered(service, texts(2))
            assert service.spent.requests == served.seen
    said = str(raised.value)
    assert "\n" not in said
    return said


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>Please log in</html>", "not valid JSON (application/json): <html>Please"),
        (b"", "not valid JSON (application/json): an empty body"),
        (b'{"predictions": [[NaN, 1], [0, 1]]}', "holds NaN, which is no JSON"),
        (b'{"predictions": [[Infinity, 1], [0, 1]]}', "holds Infinity"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"predictions": "\xff"}', "not UTF-8"),
        (b'{"predictions": [[0, 1]]}', "gave 1 answers to 2 inputs"),
        (b'{"predictions": [[0, 1], [1, 0], [1, 0]]}', "gave 3 answers to 2 inputs"),
        (b'{"predictions": {"a": 1}}', "a list of 2 answers was expected"),
        (b'{"results": []}', "the key 'predictions' was expected at the top"),
        (b'{"predictions": [null, null]}', "an answer is null"),
        (b'{"predictions": [[0, 1], [0, 1, 2]]}', "the answer to input 1 is 3 values"),
        (b'{"predictions": [{"ham": 1, "eggs": 2}, {"ham": 1, "eggs": 2}]}', "score for 'eggs'"),
    ],
)
def test_what_is_no_answer_is_one_clear_line(content: bytes, words: str) -> None:
    assert words in replied(content)


def test_bodies_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (_http_client, _http_replies):
        monkeypatch.setattr(module, "LARGEST", 2**20)
    whole = json.dumps({"predictions": [[0, 1]] * 2, "more": " " * 2**21}).encode()
    assert "larger than 1 MiB" in replied(whole)
    for name, packed in (("gzip", gzip.compress(whole)), ("deflate", zlib.compress(whole))):
        assert len(packed) < 2**14
        assert "larger than 1 MiB" in replied(packed, {"Content-Encoding": name})
    assert "cut off" in replied(gzip.compress(b"{}")[:-9], {"Content-Encoding": "gzip"})
    assert "encoding 'br'" in replied(b"{}", {"Content-Encoding": "br"})


def test_compressed_answers_are_read() -> None:
    packed = gzip.compress(json.dumps({"predictions": [[0, 1], [2]]}).encode())
    assert "the answer to input 1 is 1 values" in replied(packed, {"Content-Encoding": "gzip"})


def test_redirects_are_not_followed() -> None:
    with serving() as other:
        with (
            serving(always=f"redirect {other.url}") as served,
            asking(served) as service,
            pytest.raises(TargetError, match=f"if you trust {other.url}, make it the url"),
        ):
            answered(service, texts(1))
        assert (served.seen, other.seen) == (1, 0)


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with serving() as served, asking(served, retries=0) as service:
        answered(service, texts(1))


def test_certificates_are_verified(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    made = [
        openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x",
        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem",
    ]  # fmt: skip
    subprocess.run(made, cwd=tmp_path, check=True, capture_output=True)
    both = tmp_path / "both.pem"
    both.write_bytes((tmp_path / "key.pem").read_bytes() + (tmp_path / "cert.pem").read_bytes())
    with serving(certificate=both) as served:
        with asking(served) as service:
            with pytest.raises(
                TargetError, match=r"certificate is not trusted.*model\.http\.certificates"
            ):
                answered(service, texts(1))
            assert service.spent.requests == 0
        with asking(served, ca=tmp_path / "cert.pem") as service:
            np.testing.assert_array_equal(answered(service, texts(3)), expected(texts(3)))


# ---- refusals ------------------------------------------------------------------------------------


def test_declined_inputs_count_as_a_class() -> None:
    """A batch is declined as a whole; cut, it shows which input is."""

    def shy(body: Any) -> Any:
        if "text 5" in body["inputs"]:
            return {"error": {"code": "content_filter"}}
        rows = [score(text) for text in body["inputs"]]
        said = zip(body["inputs"], rows, strict=True)
        return {"predictions": ["refused" if text == "text 2" else row for text, row in said]}

    refusal = Refusal(
        answer="spam", field="error.code", values=frozenset({"content_filter", "refused"})
    )
    wanted = expected(texts(8))
    wanted[[2, 5]] = [0, 1]
    with serving(shy) as served, asking(served, refusal=refusal) as service:
        np.testing.assert_array_equal(answered(service, texts(8)), wanted)
        seen = served.seen
        np.testing.assert_array_equal(answered(service, texts(8)), wanted)  # kept as well
        assert served.seen == seen == service.spent.requests
    with (
        serving(script={0: "451"}) as served,
        asking(served, refusal=Refusal(answer="ham", status=frozenset({451}))) as service,
    ):
        assert answered(service, texts(1)).tolist() == ["ham"]


# ---- secrets -------------------------------------------------------------------------------------


def test_a_secret_is_sent_and_appears_nowhere_else(tmp_path: Path) -> None:
    """A service that sends the secret back, as a label, in an error and in a header."""

    def echo(body: Any) -> Any:
        return {"predictions": [SECRET for _ in body["inputs"]]}

    def asked(served: Served, **given: Any) -> Any:
        url = f"{served.url}?key={SECRET}"
        return asking(served, headers={"Authorization": f"Bearer {SECRET}"}, url=url, **given)

    said = []
    with serving(echo) as served, asked(served, folder=tmp_path) as service:
        assert answered(service, texts(2)).tolist() == ["${API_KEY}"] * 2
        assert served.headers[0]["authorization"] == f"Bearer {SECRET}"
        said += [repr(service), repr(vars(service)), repr(service._settings.endpoint)]
    faults = [f'status 401 {{"bad key": {json.dumps(SECRET)}}}', f"redirect http://x/?k={SECRET}"]
    for fault in (*faults, "garbage", "drop before"):
        with serving(always=fault) as served, asked(served, retries=0) as service:
            with pytest.raises(TargetError) as raised:
                answered(service, texts(1))
            said.append("".join(traceback.format_exception(raised.value)))
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 1
    assert "${API_KEY}" in said[3]
    for form in (SECRET, json.dumps(SECRET)[1:-1]):
        assert all(form not in text for text in said)
        assert all(form.encode() not in content for content in files)


# ---- as a target ---------------------------------------------------------------------------------


@contextmanager
def target(served: Served, **given: Any) -> Iterator[HttpTarget]:
    settings = ServiceSettings(
        endpoint=Endpoint(name="http://SERVICE", url=served.url),
        contract=Contract(
            request=RequestTemplate({"inputs": "{inputs}"}),
            response=AnswerPath("predictions"),
            batch=32,
        ),
        **given,
    )
    made = HttpTarget(settings, CLASSES, TextDomain(), sample=texts(4))
    try:
        yield made
    finally:
        made.service.close()


def test_the_target_answers_in_order_whatever_the_cut() -> None:
    with serving() as served, target(served) as made:
        assert made.offers is View.SCORES
        x = texts(100)
        whole = made.answer(x, View.SCORES)
        np.testing.assert_array_equal(whole.scores, expected(x))
        np.testing.assert_array_equal(whole.labels, expected(x).argmax(axis=1))
        shuffled = np.random.default_rng(0).permutation(100)
        again_ = made.answer(x[shuffled], View.SCORES)
        np.testing.assert_array_equal(again_.scores, whole.scores[shuffled])
        assert len(made.answer(x[:0], View.SCORES).labels) == 0
        for read in (made.parameters, made.artefact):
            with pytest.raises(NotOffered):
                read()


def test_preflight_reaches_the_service_once_however_often_it_is_repeated(tmp_path: Path) -> None:
    with serving() as served:
        with target(served, folder=tmp_path) as made:
            assert preflight(made, texts(50)) == ()
            assert served.seen == 1 + 2 + 2 + 8  # kind; asked, asked again, and 8 alone
            preflight(made, texts(50))
            assert served.seen == 13
        with target(served, folder=tmp_path) as other:  # as a worker of the same run does
            preflight(other, texts(50))
            assert served.seen == 13
            again(other, None).answer(texts(50), View.LABELS)
            assert served.seen == 15


def test_preflight_finds_a_service_that_is_not_deterministic() -> None:
    draw = np.random.default_rng(0).random
    odd = lambda body: {"predictions": [[draw(), draw()] for _ in body["inputs"]]}  # noqa: E731
    with serving(odd) as served, target(served) as made:
        caveats = preflight(made, texts(50))
        assert "not deterministic" in " ".join(caveats)
        changed, asked = made.count_changed(texts(32))
        assert 0 < changed <= asked == 32


def test_ctrl_c_ends_the_waiting_at_once() -> None:
    with serving(always="slow") as served, asking(served) as service:
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
        begun = time.perf_counter()
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            answered(service, texts(400))
        assert time.perf_counter() - begun < 0.4
