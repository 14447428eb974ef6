"""A service as a target, beside a bare asynchronous client with the same batches.

Both ask the same server on this machine, with the same batch and concurrency; the target also
counts every request in a file and keeps every answer. The ratio is the peer's time over ours.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing as mp
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from aiohttp import web

from benchmarks._timing import timed
from goalkeeper.core.domain import TextDomain
from goalkeeper.targets._http_client import Endpoint, Manners
from goalkeeper.targets._http_service import Contract, ModelService, ServiceSettings
from goalkeeper.targets._http_templates import AnswerPath, RequestTemplate

CLASSES = ("ham", "spam")


def serve(pipe: Connection[Any, Any], delay: float) -> None:
    """Answer in a process of its own, so that it shares no interpreter with the clients."""

    async def predict(request: web.Request) -> web.Response:
        body = await request.json()
        await asyncio.sleep(delay)
        return web.json_response({"predictions": [[0.25, 0.75] for _ in body["inputs"]]})

    async def main() -> None:
        app = web.Application()
        app.router.add_post("/predict", predict)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        pipe.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(main())


async def ask_bare(url: str, texts: list[str], batch: int, concurrency: int) -> list[Any]:
    """Ask as a script would, without retries, counts or memory."""
    out: list[Any] = [None] * len(texts)
    places = iter(range(0, len(texts), batch))
    async with aiohttp.ClientSession() as session:

        async def work() -> None:
            for begin in places:
                body = {"inputs": texts[begin : begin + batch]}
                async with session.post(url, json=body) as response:
                    found = (await response.json())["predictions"]
                out[begin : begin + len(found)] = found

        await asyncio.gather(*(work() for _ in range(concurrency)))
    return out


def measured(url: str, batch: int, concurrency: int, texts: list[str], rounds: int) -> Any:
    x = np.array(texts, dtype=object)

    def ours() -> Any:
        with tempfile.TemporaryDirectory() as folder:
            service = ModelService(
                ServiceSettings(
                    endpoint=Endpoint(name=url, url=url),
                    contract=Contract(
                        request=RequestTemplate({"inputs": "{inputs}"}),
                        response=AnswerPath("predictions"),
                        batch=batch,
                    ),
                    manners=Manners(concurrency=concurrency),
                    folder=Path(folder),
                )
            )
            found = service.answers(x, TextDomain(), CLASSES, occasion="")
            service.close()
        return found

    def bare() -> Any:
        return asyncio.run(ask_bare(url, texts, batch, concurrency))

    np.testing.assert_array_equal(ours(), np.array(bare()))
    return timed({"ours": ours, "bare": bare}, rounds, "wall")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write the rows here")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    rows = []
    for delay, batch, requests in ((0.0, 32, 400), (0.0, 1, 400), (0.01, 32, 200)):
        here, there = mp.Pipe()
        server = mp.get_context("spawn").Process(target=serve, args=(there, delay), daemon=True)
        server.start()
        url = f"http://127.0.0.1:{here.recv()}/predict"
        texts = [f"an offer of {i} words, as mails have them" for i in range(batch * requests)]
        seconds = measured(url, batch, 8, texts, options.rounds)
        server.terminate()
        server.join()
        ratio = seconds["bare"] / seconds["ours"]
        figure = f"{requests} requests of {batch} texts, server takes {1000 * delay:.0f} ms"
        print(f"{figure}: {seconds['ours']:.3f} s, bare {seconds['bare']:.3f} s, {ratio:.2f}")
        rows.append(
            {
                "figure": figure,
                "ours_s": seconds["ours"],
                "peer": "aiohttp alone",
                "peer_s": seconds["bare"],
                "ratio": ratio,
                "goal": "0.8",
                "note": "8 requests in flight",
            }
        )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
