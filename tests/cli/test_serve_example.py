"""`goalkeeper serve-example`: a service to try things with, and its counts."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

pytest.importorskip("aiohttp")

from goalkeeper.cli.main import build
from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.power import View
from goalkeeper.describe import check, load
from goalkeeper.examples.serving import (
    FAULTS,
    ServedExample,
    make_server,
    parse_faults,
    serve,
    write_served,
)
from goalkeeper.targets import _http_client


@pytest.mark.parametrize("faults", ["", "drop=0.2,429=0.1,503=0.1,malformed=0.1"])
def test_the_example_asks_the_service_and_both_count_the_same(
    faults: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_http_client, "FIRST_WAIT", 0.001)
    with make_server(0) as server:
        folder = tmp_path / "served"
        port = int(server.server_address[1])
        example = ServedExample(
            write_served("spam-filter", folder, port, size=500), parse_faults(faults)
        )
        thread = threading.Thread(target=serve, args=(server, example))
        thread.start()
        try:
            path = folder / "application.yaml"
            assert check(path) == ()
            app = load(path)
            target: Any = app.target
            data = app.data.holdout
            assert (target.answer(data.x, View.SCORES).labels == data.y).mean() > 0.9
            assert target.service.spent.requests == example.seen.total()
            assert (len(example.seen) > 2) == bool(faults)
            target.service.close()
        finally:
            server.shutdown()
            thread.join()
    written = {p.name for p in folder.iterdir()} - {"__pycache__"}  # of the imported model.py
    assert sorted(written) == [
        "application.schema.json", "application.yaml", "test.csv", "train.csv",
    ]  # fmt: skip


def test_only_this_machine_can_reach_it() -> None:
    with make_server(0) as server:
        assert server.server_address[0] == "127.0.0.1"
        taken = int(server.server_address[1])
        with pytest.raises(DescriptionError, match=f"port {taken} cannot be used"):
            make_server(taken)


def test_faults_are_parsed() -> None:
    assert parse_faults("drop=0.05,429=0.1") == {"drop": 0.05, "429": 0.1}
    assert set(parse_faults(",".join(f"{name}=0.1" for name in FAULTS))) == set(FAULTS)
    for text in ("drop", "drop=2", "down=0.1", "drop=x", "drop=0.7,429=0.7"):
        with pytest.raises(DescriptionError):
            parse_faults(text)


def test_a_folder_with_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    done = CliRunner().invoke(build(), ["serve-example", str(tmp_path), "--port", "0"])
    assert isinstance(done.exception, DescriptionError)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
