"""The asynchronous client: one request at a time per slot, tried again where that may help.

Every request is counted in the ledger before it is sent. A request whose connection could not be
made is taken back; one that was written to a connection counts, whatever became of it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from goalkeeper.core.errors import MissingExtra, TargetError
from goalkeeper.targets._http_ledger import Ledger, Slots
from goalkeeper.targets._http_replies import (
    LARGEST,
    Secrets,
    ServiceReply,
    Transient,
    too_large,
    unpacked,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    import aiohttp

CONNECT = 10.0  # seconds for making a connection
FIRST_WAIT, LONGEST_WAIT = 0.5, 60.0  # seconds before trying again, doubled each time
LONGEST_ASKED = 3600.0  # seconds that a service may ask to wait
POLL = 0.005  # seconds between looks for a slot that another process frees
OPENS, RESTS = 3, 60.0  # requests failed in a row, and seconds in which nothing is asked then
TIMES = 256  # latest latencies that are remembered

Judge = Callable[[ServiceReply], Any]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True, repr=False)
class Endpoint:
    """Where requests are sent, with the secrets that this takes; it is never shown.

    Parameters
    ----------
    name
        What errors call it: the address as it stands in the application file.
    url, method, headers
        What is sent, variables filled in. aiohttp itself repeats GET, PUT and DELETE when a
        connection breaks, which nobody would count: only POST and PATCH can be used.
    secrets
        The values of these variables.
    ca
        File of certificates to trust in place of those of the system.
    """

    name: str
    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    secrets: Secrets = field(default_factory=Secrets)
    ca: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How a service is asked.

    Parameters
    ----------
    concurrency
        Requests in flight.
    timeout
        Seconds for one request, from connecting to the last byte of the body.
    retries
        How often a request is tried again.
    """

    concurrency: int = 8
    timeout: float = 30.0
    retries: int = 5


class Client:
    """Sends requests; used in one event loop.

    Parameters
    ----------
    endpoint, manners
        Whom it asks, and how.
    ledger, slots
        Count requests, and bound those in flight.
    pause
        Waits for so many seconds.
    rng
        Spreads the waits, so that clients do not all come back at once.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        manners: Manners,
        ledger: Ledger,
        slots: Slots,
        *,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
        rng: np.random.Generator | None = None,
    ) -> None:
        if _aiohttp() is None:
            raise MissingExtra("aiohttp", "http")
        self._endpoint, self._manners = endpoint, manners
        self._ledger, self._slots = ledger, slots
        self._pause, self._rng = pause, rng or np.random.default_rng()
        self._session: aiohttp.ClientSession | None = None
        self._failed, self._last, self._rests_until = 0, "", 0.0
        self._not_before = 0.0  # the service asked everybody to wait until then
        self._latencies: deque[float] = deque(maxlen=TIMES)

    @property
    def latency(self) -> float:
        """Median seconds of the latest requests that were answered; 0 before the first."""
        return float(np.median(self._latencies)) if self._latencies else 0.0

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    # ---- trying -------------------------------------------------------------------------------

    async def ask(self, body: bytes, inputs: int, judge: Judge) -> Any:
        """Send a request until `judge` takes the reply; return what it makes of it.

        Raises
        ------
        TargetError
            The service failed for good, or may not be asked any more.
        TooMuch, Declined
            As `judge` raises them.
        """
        self._check_resting()
        answer = await self._try(body, inputs, judge)
        for tries in range(self._manners.retries):
            if not isinstance(answer, Transient):
                break
            await self._wait(tries, answer)
            answer = await self._try(body, inputs, judge)
        if not isinstance(answer, Transient):
            self._failed = 0
            return answer
        self._failed += 1
        self._last = answer.words
        self._rests_until = self._now() + RESTS
        raise TargetError(
            self._said(
                f"{self._last} (tried {self._manners.retries + 1} times); see that it can be "
                "reached, then run the same command again: answers are kept"
            )
        )

    async def _try(self, body: bytes, inputs: int, judge: Judge) -> Any:
        """Send a request once; return the answer, or why it may be tried again."""
        try:
            return judge(await self._reply(body, inputs))
        except Transient as failure:
            return failure
        except TargetError as error:
            words = str(error)
        raise TargetError(self._said(words))

    def _said(self, words: str) -> str:
        return self._endpoint.secrets.hidden(f"the service at {self._endpoint.name}: {words}")

    def _check_resting(self) -> None:
        """Refuse to ask while the service rests; after that, the next request shows."""
        if self._failed >= OPENS and self._now() < self._rests_until:
            raise TargetError(
                self._said(
                    f"{self._failed} requests failed one after the other, so it is not asked for "
                    f"{RESTS:.0f} s (the last: {self._last})"
                )
            )

    async def _wait(self, tries: int, failure: Transient) -> None:
        asked = failure.wait
        if asked is None:
            longest = min(LONGEST_WAIT, FIRST_WAIT * 2**tries)
            await self._pause(float(longest * self._rng.uniform(0.5, 1.0)))
            return
        if asked > LONGEST_ASKED:
            raise TargetError(self._said(f"{failure.words}; it asks to wait for {asked:.0f} s"))
        self._not_before = max(self._not_before, self._now() + asked)
        await self._pause(asked)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    # ---- sending ------------------------------------------------------------------------------

    async def _reply(self, body: bytes, inputs: int) -> ServiceReply:
        async with self._slot():
            if (rest := self._not_before - self._now()) > 0:
                await self._pause(rest)
            wait = self._ledger.reserve(inputs, self._now())
            sent = False
            try:
                if wait > 0:
                    await self._pause(wait)
                sent = True
                return await self._exchanged(body)
            except (_NotConnected, _NotTrusted):
                sent = False
                raise
            finally:
                if not sent:
                    self._ledger.refund(inputs)

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        while (slot := self._slots.take()) is None:
            await asyncio.sleep(POLL)
        try:
            yield
        finally:
            self._slots.give_back(slot)

    async def _exchanged(self, body: bytes) -> ServiceReply:
        """Send and receive once; what the library raises becomes one of ours, without its text.

        Its texts, and the errors that they stand in, may hold the address with a secret.
        """
        import aiohttp

        begun = self._now()
        kind: type[Exception] = Transient
        try:
            reply = await self._received(body)
        except aiohttp.ClientConnectorCertificateError:
            words, kind = _CERTIFICATE, _NotTrusted
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            reason = getattr(getattr(error, "os_error", None), "strerror", "") or "no connection"
            words, kind = f"it cannot be reached ({reason})", _NotConnected
        except TimeoutError:
            words = f"it took longer than {self._manners.timeout:g} s"
        except aiohttp.ClientPayloadError:
            words = "its answer was cut off"
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            words = "it closed the connection without an answer"
        except aiohttp.ClientError as error:
            words = f"what it answered is not HTTP ({type(error).__name__})"
        else:
            self._latencies.append(self._now() - begun)
            return reply
        raise kind(words)

    async def _received(self, body: bytes) -> ServiceReply:
        endpoint, session = self._endpoint, self._opened()
        async with session.request(
            endpoint.method, endpoint.url, data=body, headers=endpoint.headers,
            allow_redirects=False,
        ) as response:  # fmt: skip
            parts, size = [], 0
            async for part in response.content.iter_any():
                size += len(part)
                if size > LARGEST:
                    raise too_large()
                parts.append(part)
            headers = {name.lower(): value for name, value in response.headers.items()}
            content = unpacked(b"".join(parts), headers.get("content-encoding", ""))
            hidden = endpoint.secrets
            return ServiceReply(
                status=response.status,
                headers={name: hidden.hidden(value) for name, value in headers.items()},
                body=hidden.hidden_in_body(content),
            )

    def _opened(self) -> aiohttp.ClientSession:
        import aiohttp

        if self._session is None:
            secure = self._endpoint.url.startswith("https")  # reading certificates takes a moment
            trusted = ssl.create_default_context(cafile=self._endpoint.ca) if secure else True
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0,  # slots bound it, for all processes
                    ssl=trusted,
                ),
                timeout=aiohttp.ClientTimeout(
                    total=self._manners.timeout, sock_connect=min(CONNECT, self._manners.timeout)
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,  # we do, up to a size
                trust_env=False,  # no proxy that the application file does not name
                headers={"Accept": "application/json", "Accept-Encoding": "identity",
                         "Content-Type": "application/json", "User-Agent": "goalkeeper"},
            )  # fmt: skip
        return self._session


_CERTIFICATE = (
    "its certificate is not trusted; name those of its authority under model.http.certificates"
)


class _NotTrusted(TargetError):
    """Nothing was sent: the certificate is not that of the service."""


class _NotConnected(Transient):
    """Nothing was sent: no connection could be made."""


def _aiohttp() -> Any:
    try:
        import aiohttp
    except ImportError:
        return None
    return aiohttp
