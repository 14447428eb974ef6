"""Schedulers that ask for certificates, and what is said of those that do not."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from goalkeeper.compute import dask as ours
from goalkeeper.compute import executors
from goalkeeper.compute.dask import DaskExecutor
from goalkeeper.compute.executor import Execution
from goalkeeper.core.errors import ExecutorError
from tests.compute.clusters import separate
from tests.compute.jobs import double, doubles

distributed = pytest.importorskip("distributed", reason="the dask extra is not installed")
config = pytest.importorskip("dask.config")
TLS = "distributed.comm.tls"


def certificates(folder: Path) -> dict[str, str]:
    """Write a key and a certificate that signs itself; return Dask's settings that name them."""
    pytest.importorskip("cryptography", reason="no certificates can be made")
    folder.mkdir()
    made = distributed.Security.temporary()
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    key.write_text(made.tls_client_key)
    certificate.write_text(made.tls_client_cert)
    settings = {f"{TLS}.ca-file": str(certificate)}
    for role in ("client", "scheduler", "worker"):
        settings |= {f"{TLS}.{role}.cert": str(certificate), f"{TLS}.{role}.key": str(key)}
    return settings


def as_variables(settings: dict[str, str]) -> dict[str, str]:
    """Name the environment variables that set the same; the rule is Dask's."""
    return {
        "DASK_" + name.upper().replace(".", "__").replace("-", "_"): value
        for name, value in settings.items()
    }


def test_a_scheduler_without_tls_is_said_to_be_unauthenticated() -> None:
    with pytest.warns(UserWarning, match="neither authenticated nor encrypted") as told:
        executors.make(Execution(scheduler="tcp://far:8786"), 9)
    assert len(told) == 1
    assert "run code on its workers" in str(told[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        executors.make(Execution(scheduler="tls://far:8786"), 9)
        executors.make(Execution(executor="dask"), 9)


def test_jobs_run_on_a_cluster_with_tls_and_for_who_has_its_certificates_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, others = certificates(tmp_path / "ours"), certificates(tmp_path / "others")
    variables = as_variables(settings)
    with separate(tmp_path, "--protocol", "tls", variables=variables) as (address, _):
        assert address.startswith("tls://127.0.0.1:")
        with config.set(settings):
            outcomes = list(DaskExecutor(address).run(doubles(2)))
        assert sorted(o.value for o in outcomes) == [double(0), double(1)]
        monkeypatch.setattr(ours, "PATIENCE", 1)
        with config.set(others), pytest.raises(ExecutorError, match="no Dask scheduler answers"):
            list(DaskExecutor(address).run(doubles(1)))


@pytest.mark.parametrize("given", [(), (f"{TLS}.ca-file",), (f"{TLS}.client.cert",)])
def test_without_certificates_the_error_names_the_settings(given: tuple[str, ...]) -> None:
    needed = {f"{TLS}.ca-file", f"{TLS}.client.cert"}
    none = dict.fromkeys(needed)
    with (
        config.set(none | dict.fromkeys(given, "here.pem")),
        pytest.raises(ExecutorError, match="needs certificates") as error,
    ):
        list(DaskExecutor("tls://127.0.0.1:9").run(doubles(1)))
    for name, variable in zip(needed, as_variables(dict.fromkeys(needed, "")), strict=True):
        assert (name in str(error.value)) == (variable in str(error.value)) == (name not in given)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_cannot_be_read_are_an_error(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "certificate.pem"
    if content is not None:
        path.write_text(content)
    settings = {f"{TLS}.ca-file": str(path), f"{TLS}.client.cert": str(path)}
    with config.set(settings), pytest.raises(ExecutorError, match="cannot be read"):
        list(DaskExecutor("tls://127.0.0.1:9").run(doubles(1)))
