"""A model behind an HTTP service: a black box that costs time, and perhaps money."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator

from goalkeeper.core.errors import DescriptionError
from goalkeeper.describe.document import Key
from goalkeeper.describe.kinds._http_form import HttpForm
from goalkeeper.describe.kinds.base import KeyKind, Model, ModelContext
from goalkeeper.describe.problems import problem
from goalkeeper.describe.references import References

if TYPE_CHECKING:
    from goalkeeper.targets._http_service import ServiceSettings

SAMPLE = 4  # inputs by which it is found out whether it gives labels or scores
BATCH = 32
SECONDS = {"s": 1.0, "second": 1.0, "min": 60.0, "minute": 60.0, "h": 3600.0, "hour": 3600.0}
SECONDS |= {"ms": 0.001, "seconds": 1.0, "minutes": 60.0, "day": 86_400.0}
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_SECRET_NAME = re.compile(r"auth|key|token|secret|cookie|password|credential", re.IGNORECASE)
_AMOUNT = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*(?:per\s+|/\s*)?([a-z]*)\s*$")
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def _service(value: Any) -> Any:
    return {"url": value} if isinstance(value, str) else value


class HttpService(KeyKind):
    """`model.http`: a service that is asked in batches."""

    key = "http"
    about = "service that answers over HTTP"
    advice = "check the keys under model.http against what the service takes and gives"
    value_type = Annotated[HttpForm, BeforeValidator(_service)]

    def check(self, value: HttpForm, references: References) -> None:
        """Read every key and find every variable; nothing is sent."""
        _Reader(references, value).settings(None)

    def load(self, value: HttpForm, context: ModelContext) -> Model:
        """Ask the service about a few inputs, and wrap it."""
        from goalkeeper.targets.http import HttpTarget

        reader = _Reader(context.references, value)
        if value.refusal is not None and value.refusal.answer not in context.classes:
            raise reader.wrong(
                ("refusal", "answer"),
                "this is not one of the classes",
                "one of " + ", ".join(context.classes),
            )
        folder = context.compute.service
        target = HttpTarget(
            reader.settings(Path(folder) if folder else None),
            context.classes,
            context.domain,
            sample=context.splits.holdout.x[:SAMPLE],
            declared=context.declared("the service"),
        )
        return Model(
            target=target,
            trainer=None,
            domain=context.domain,
            compute=context.cpu_settings,
            caveats=(
                "the model is a service: attacks that retrain it or read it cannot be tested",
                *reader.caveats(),
            ),
        )


@dataclass(frozen=True, eq=False)
class _Reader:
    """Reads the form into settings, and reports what is wrong with a key."""

    references: References
    form: HttpForm

    def wrong(self, key: Key, what: str, expected: str, advice: str = "") -> DescriptionError:
        """Return the error for a key under `model.http`."""
        place: Key = ("model", "http", *key)
        if self.references.document.at(place) is None:  # the shorthand has no such key
            place = ("model", "http")
        advice = advice or "see the page about services"
        return problem(self.references.document, place, what, expected=expected, advice=advice)

    def settings(self, folder: Path | None) -> ServiceSettings:
        """Return what the form says; raises DescriptionError."""
        from goalkeeper.targets._http_client import Manners
        from goalkeeper.targets._http_ledger import UNLIMITED, ServiceLimits
        from goalkeeper.targets._http_service import ServiceSettings

        form = self.form
        (price, per), (most, window) = self._price(), self._rate()
        if form.cap is not None and not price:
            raise self.wrong(("cap",), "a cap needs a price", "a price beside it", "add `price:`")
        return ServiceSettings(
            endpoint=self._endpoint(),
            contract=self._contract(),
            manners=Manners(
                concurrency=form.concurrency, timeout=self._timeout(), retries=form.retries
            ),
            limits=ServiceLimits(
                budget=UNLIMITED if form.budget is None else form.budget,
                price=price,
                per=per,
                cap=UNLIMITED if form.cap is None else form.cap,
                most=most,
                window=window,
            ),
            cache=form.cache,
            folder=folder,
        )

    def caveats(self) -> tuple[str, ...]:
        """Say what a reader of the report has to know."""
        found = []
        if not self.form.cache:
            found.append("answers of the service are not kept: a run that is resumed asks again")
        plain = urlsplit(self._filled(("url",), self.form.url))
        sends = any(_SECRET_NAME.search(name) for name in self.form.headers)
        if plain.scheme == "http" and sends and plain.hostname not in LOCAL:
            found.append("secrets are sent to the service without TLS: use an https address")
        return tuple(found)

    # ---- where and what -----------------------------------------------------------------------

    def _endpoint(self) -> Any:
        from goalkeeper.targets._http_client import Endpoint
        from goalkeeper.targets._http_replies import Secrets

        form, url = self.form, self._filled(("url",), self.form.url)
        parts = _address(url)
        if parts is None:
            raise self.wrong(
                ("url",),
                "this is no address of a service",
                "http://HOST:PORT/PATH or https://HOST/PATH",
                "write the whole address",
            )
        if parts.username is not None or parts.password is not None:
            raise self.wrong(
                ("url",),
                "credentials may not stand in the address: it is stored and shown",
                'a header, e.g. headers: {Authorization: "Basic ${NAME}"}',
                "move them into an environment variable and a header",
            )
        ca = form.certificates
        return Endpoint(
            name=form.url,
            url=url,
            method=form.method,
            headers={name: self._header(name, value) for name, value in form.headers.items()},
            secrets=Secrets({name: os.environ[name] for name in self._variables()}),
            ca=None
            if ca is None
            else self.references.file(("model", "http", "certificates"), ca, "file"),
        )

    def _contract(self) -> Any:
        from goalkeeper.targets._http_answers import Refusal
        from goalkeeper.targets._http_service import Contract
        from goalkeeper.targets._http_templates import MANY, AnswerPath, RequestTemplate

        form, template = self.form, RequestTemplate(self._body(self.form.request))
        if wrong := template.problem():
            raise self.wrong(
                ("request",),
                wrong,
                "{inputs}, {rows} or {pngs} for a list; {input}, {row} or {png} for one",
                'write e.g. request: {"texts": "{inputs}"}',
            )
        if form.batch is not None and form.batch > 1 and not template.takes_many:
            raise self.wrong(
                ("batch",),
                "the request takes a single input, so that no batch fits into it",
                "batch: 1, or a request with {inputs}",
                "change `request`, or leave out `batch`",
            )
        refusal = form.refusal
        for key, path in (
            (("response",), form.response),
            (
                ("refusal", "field"),
                refusal.field if refusal else "",
            ),
        ):
            self._check_path(key, AnswerPath(path))
        return Contract(
            request=template,
            response=AnswerPath(form.response),
            batch=form.batch or (BATCH if template.holders()[0] in MANY else 1),
            refusal=None
            if refusal is None
            else Refusal(
                answer=refusal.answer,
                status=frozenset(refusal.status),
                field=refusal.field,
                values=frozenset(refusal.values),
            ),
            variables=" and ".join(self._variables()) or "the credentials",
        )

    def _check_path(self, key: Key, path: Any) -> None:
        try:
            path.steps()
        except ValueError as error:
            raise self.wrong(
                key, f"this is no path: {error}", "e.g. predictions[*].scores"
            ) from error

    def _header(self, name: str, value: str) -> str:
        filled = self._filled(("headers", name), value)
        if _SECRET_NAME.search(name) and not _VARIABLE.search(value):
            raise problem(
                self.references.document,
                ("model", "http", "headers", name),
                "a secret may not stand in the application file: runs store a copy of it",
                expected="an environment variable, e.g. ${API_KEY}",
                given="a value",
                advice=f'export it, and write {name}: "${{API_KEY}}"',
            )
        if not filled.isprintable() or not name.isascii() or not name.isprintable() or not name:
            raise self.wrong(
                ("headers", name),
                "a header holds a line break or another character that cannot be sent",
                "printable characters",
                "look at the environment variable: does it end with a line break?",
            )
        return filled

    def _body(self, value: Any) -> Any:
        """Fill variables into every text of the request."""
        if isinstance(value, dict):
            return {key: self._body(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self._body(part) for part in value]
        return self._filled(("request",), value) if isinstance(value, str) else value

    def _filled(self, key: Key, text: str) -> str:
        def value(match: re.Match[str]) -> str:
            found = os.environ.get(match[1])
            if not found:
                raise self.wrong(
                    key,
                    f"the environment variable {match[1]} is not set",
                    "a value in this variable",
                    f"set it before you run goalkeeper: export {match[1]}=VALUE",
                )
            return found

        return _VARIABLE.sub(value, text)

    def _variables(self) -> tuple[str, ...]:
        """Name the environment variables that the request uses."""
        texts = (self.form.url, *self.form.headers.values(), repr(self.form.request))
        return tuple(dict.fromkeys(_VARIABLE.findall(" ".join(texts))))

    # ---- amounts ------------------------------------------------------------------------------

    def _rate(self) -> tuple[int, float]:
        """Return the most requests in so many seconds; 0 of them where there is no rate."""
        words = "50 per second, 600 per minute or 1000 per day"
        number, unit = self._amount(("rate",), self.form.rate or "", words)
        if self.form.rate is None:
            return 0, 0.0
        if number < 1 or not number.is_integer() or (unit or "second") not in SECONDS:
            raise self._no_amount(("rate",), words)
        return int(number), SECONDS[unit or "second"]

    def _timeout(self) -> float:
        number, unit = self._amount(("timeout",), self.form.timeout, "30 s or 2 min")
        if not number or (unit or "s") not in SECONDS:
            raise self._no_amount(("timeout",), "30 s or 2 min")
        return number * SECONDS[unit or "s"]

    def _price(self) -> tuple[float, Literal["request", "input"]]:
        words = "0.002 per request, or 0.0001 per input"
        number, unit = self._amount(("price",), self.form.price or "0", words)
        if unit not in ("", "request", "input"):
            raise self._no_amount(("price",), words)
        return number, "input" if unit == "input" else "request"

    def _amount(self, key: Key, text: str, example: str) -> tuple[float, str]:
        match = _AMOUNT.match(text)
        if match is None:
            if not text:
                return 0.0, ""
            raise self._no_amount(key, example)
        return float(match[1]), match[2]

    def _no_amount(self, key: Key, example: str) -> DescriptionError:
        return self.wrong(key, "this is no amount", f"e.g. {example}", f"write e.g. {example}")


def _address(url: str) -> Any:
    """Split an address, or return None where it is none."""
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if fine and url.isprintable() and " " not in url else None
