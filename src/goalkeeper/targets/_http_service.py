"""A service that answers inputs: batches, order, and what is kept of its answers."""

from __future__ import annotations

import asyncio
import hashlib
import json
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from goalkeeper.core.deadline import check_time
from goalkeeper.core.domain import Domain
from goalkeeper.core.errors import TargetError
from goalkeeper.targets._http_answers import DECLINED, Refusal, as_answers, items_of
from goalkeeper.targets._http_client import Client, Endpoint, Manners
from goalkeeper.targets._http_ledger import KEY, Ledger, ServiceLimits, Slots, Spent
from goalkeeper.targets._http_loop import LoopThread
from goalkeeper.targets._http_replies import (
    Declined,
    ServiceReply,
    TooMuch,
    Transient,
    judged,
    parsed,
)
from goalkeeper.targets._http_templates import MANY, AnswerPath, RequestTemplate, json_inputs

MARK = {"goalkeeper": "declined"}  # how it is kept that a service declined


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Contract:
    """What a service takes and gives.

    Parameters
    ----------
    request, response
        The body of a request, and the path to the answers in a reply.
    batch
        Most inputs in a request.
    refusal
        What means that it declines to answer; None: nothing does.
    variables
        The environment variables that a request uses, in words.
    """

    request: RequestTemplate
    response: AnswerPath
    batch: int
    refusal: Refusal | None = None
    variables: str = "the credentials"

    @cached_property
    def single(self) -> bool:
        """Whether a reply is the answer to one input, and no list of answers."""
        many = self.request.holders()[0] in MANY or self.batch > 1
        return not many and "*" not in self.response.steps()


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ServiceSettings:
    """Everything that says how a service is asked.

    Parameters
    ----------
    endpoint, contract, manners, limits
        Where, what, how, and how much.
    cache
        Whether an input that was answered is not asked again.
    folder
        Where what was sent and answered is kept for all processes of a run; None: in memory.
    client
        Further arguments of the client, e.g. how it waits.
    """

    endpoint: Endpoint
    contract: Contract
    manners: Manners = field(default_factory=Manners)
    limits: ServiceLimits = field(default_factory=ServiceLimits)
    cache: bool = True
    folder: Path | None = None
    client: Mapping[str, Any] = field(default_factory=dict)


class ModelService:
    """Asks a service about inputs and keeps what it answers.

    Answers are kept as they come in, so that a failure loses none of those that were paid for.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings, self._contract = settings, settings.contract
        self._ledger = Ledger(settings.folder, settings.limits)
        slots = Slots(settings.folder, settings.manners.concurrency)
        self._client = Client(
            settings.endpoint, settings.manners, self._ledger, slots, **settings.client
        )
        self._loop = LoopThread()
        self._batch = settings.contract.batch
        endpoint, request = settings.endpoint, settings.contract.request
        identity = [endpoint.name, endpoint.method, request.value, settings.contract.response.text]
        self._identity = hashlib.sha256(json.dumps(identity).encode()).digest()
        self.close = weakref.finalize(self, _closed, self._loop, self._client, self._ledger, slots)

    @property
    def name(self) -> str:
        """What errors call it: the address as it stands in the application file."""
        return f"the service at {self._settings.endpoint.name}"

    @property
    def spent(self) -> Spent:
        """What was sent so far, by all processes."""
        return self._ledger.spent()

    @property
    def limits(self) -> ServiceLimits:
        """What may be sent."""
        return self._settings.limits

    @property
    def batch(self) -> int:
        """Most inputs in a request, as far as it is known what the service takes."""
        return self._batch

    @property
    def seconds(self) -> tuple[float, float]:
        """Seconds for an input among many, and for one alone, as measured; zeros before that."""
        alone = self._client.latency
        share = self._batch * self._settings.manners.concurrency
        return max(alone / share, self._settings.limits.interval / self._batch), alone

    def answers(
        self, values: Any, domain: Domain, classes: Sequence[str], *, occasion: str | None
    ) -> Any:
        """Answer inputs: labels `(n,)`, or scores `(n, classes)`.

        Parameters
        ----------
        values, domain, classes
            The n inputs as a function would get them, what they are, and the classes in order.
        occasion
            Answers are kept, and found again, by occasion; None: neither.

        Raises
        ------
        TargetError
            The service failed, or gave something that is no answer.
        """
        holder = self._contract.request.holders()[0]
        refusal = self._contract.refusal
        items = self._items(json_inputs(values, domain, holder), occasion)
        return as_answers(items, classes, refusal.answer if refusal else "")

    def _items(self, inputs: Sequence[Any], occasion: str | None) -> list[Any]:
        """Return one item for each input; each different one is asked once."""
        kept = occasion is not None and self._settings.cache
        if kept:
            keys = _keys(inputs, self._identity + json.dumps(occasion).encode())
        else:
            keys = [i.to_bytes(KEY, "big") for i in range(len(inputs))]
        found: dict[bytes, Any] = {}
        if kept:
            recalled = self._ledger.recall(dict.fromkeys(keys))
            found = {key: DECLINED if item == MARK else item for key, item in recalled.items()}
        missing = {k: each for k, each in zip(keys, inputs, strict=True) if k not in found}
        if missing:
            try:
                self._loop.run(_Round(self, missing, found, kept=kept).ask())
            finally:
                self._ledger.write()
        return [found[key] for key in keys]

    # ---- for a round --------------------------------------------------------------------------

    async def ask(self, inputs: Sequence[Any]) -> list[Any]:
        """Send one request; raises TooMuch or Declined where it may be cut into smaller ones."""
        n = len(inputs)
        body = self._contract.request.fill(inputs)
        items: list[Any] = await self._client.ask(body, n, lambda reply: self._judged(reply, n))
        return items

    def _judged(self, reply: ServiceReply, inputs: int) -> list[Any]:
        contract, refusal = self._contract, self._contract.refusal
        if refusal is not None and _declines(reply, refusal):
            raise Declined
        value = judged(reply, inputs, contract.variables)
        items = items_of(contract.response.find(value), inputs, single=contract.single)
        if refusal is None:
            return items
        return [DECLINED if isinstance(i, str) and i in refusal.values else i for i in items]

    def take(self, got: Mapping[bytes, Any], *, kept: bool) -> None:
        """Count answers that came in, and keep them if they are to be kept."""
        if kept:
            now = asyncio.get_running_loop().time()
            items = [MARK if item is DECLINED else item for item in got.values()]
            self._ledger.keep(list(got), items, now)
        else:
            self._ledger.count_answered(len(got))

    def cut(self, inputs: int) -> None:
        """Note that the service takes fewer inputs in a request than these."""
        self._batch = max(1, min(self._batch, inputs // 2))

    @property
    def concurrency(self) -> int:
        """Requests in flight."""
        return self._settings.manners.concurrency


class _Round:
    """Asks many inputs at once: what arrives is kept, and after a failure nothing more is sent."""

    def __init__(
        self,
        service: ModelService,
        missing: Mapping[bytes, Any],
        found: dict[bytes, Any],
        *,
        kept: bool,
    ) -> None:
        self._service, self._missing, self._found, self._kept = service, missing, found, kept
        self._waiting = list(missing)[::-1]
        self._failures: list[TargetError] = []

    async def ask(self) -> None:
        """Fill `found`; raises TargetError for the first failure, when the others have ended."""
        workers = min(self._service.concurrency, len(self._waiting))
        await asyncio.gather(*(self._work() for _ in range(workers)))
        if self._failures:
            raise self._failures[0]

    async def _work(self) -> None:
        while self._waiting and not self._failures:
            check_time()
            count = min(self._service.batch, len(self._waiting))
            keys = [self._waiting.pop() for _ in range(count)]
            try:
                await self._ask_some(keys)
            except TargetError as failure:
                self._failures.append(failure)

    async def _ask_some(self, keys: Sequence[bytes]) -> None:
        try:
            items = await self._service.ask([self._missing[key] for key in keys])
        except Declined:
            if len(keys) > 1:  # it is not known which of them is declined
                return await self._ask_halves(keys)
            items = [DECLINED]
        except TooMuch:
            self._service.cut(len(keys))
            return await self._ask_halves(keys)
        got = dict(zip(keys, items, strict=True))
        self._service.take(got, kept=self._kept)
        self._found.update(got)
        return None

    async def _ask_halves(self, keys: Sequence[bytes]) -> None:
        middle = len(keys) // 2
        await self._ask_some(keys[:middle])
        await self._ask_some(keys[middle:])


def _declines(reply: ServiceReply, refusal: Refusal) -> bool:
    if reply.status in refusal.status:
        return True
    if not refusal.field:
        return False
    try:
        said = AnswerPath(refusal.field).find(parsed(reply))
    except (Transient, TargetError):  # it says nothing there
        return False
    return said in refusal.values if refusal.values else said not in (None, False, "", [], {})


def _keys(inputs: Sequence[Any], context: bytes) -> list[bytes]:
    """Identify inputs by hashes; a text never has that of other JSON which reads the same."""
    start, found = hashlib.blake2b(context, digest_size=KEY), []
    for value in inputs:
        text = f"t{value}" if isinstance(value, str) else f"j{json.dumps(value)}"
        each = start.copy()
        each.update(text.encode("utf-8", "surrogatepass"))
        found.append(each.digest())
    return found


def _closed(loop: LoopThread, client: Client, ledger: Ledger, slots: Slots) -> None:
    loop.close(client.close())
    ledger.close()
    slots.close()
