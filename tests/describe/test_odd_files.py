"""Odd data files are read, or give one clear error that names a key; nothing else is raised."""

from __future__ import annotations

import datetime as dt
import decimal
import gzip
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from goalkeeper.describe import check
from tests.describe.writing import TABLE, TABLE_FILTER, table_lines

LINES = table_lines(120)
CSV = "\n".join(LINES) + "\n"
FINE = ""  # what an error says where there is none


def column(cell: Callable[[int], str], name: str = "more") -> bytes:
    """Add a column to the table."""
    lines = [f"{line},{name if not i else cell(i)}" for i, line in enumerate(LINES)]
    return ("\n".join(lines) + "\n").encode()


def labelled(label: Callable[[int], str]) -> bytes:
    lines = [
        LINES[0],
        *(f"{line.rpartition(',')[0]},{label(i)}" for i, line in enumerate(LINES[1:])),
    ]
    return ("\n".join(lines) + "\n").encode()


def replaced(old: str, new: str) -> bytes:
    return CSV.replace(old, new, 1).encode()


CSV_FILES: Mapping[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "blank lines only": (b"\n\n\n", "no column label|few|well-formed"),
    "header only": (f"{LINES[0]}\n".encode(), "0 records"),
    "one column": (b"label\n" + b"yes\nno\n" * 60, "no column is left"),
    "wrong separator": (CSV.replace(",", ";").encode(), "separator: ';'"),
    "tabs": (CSV.replace(",", "\t").encode(), "separator"),
    "ragged: too many cells": (replaced("clerk,", "clerk,,,"), "well-formed|more cells"),
    "ragged: too few cells": (CSV.encode() + b"30,31\n", "no label"),
    "a quote that is never closed": (CSV.encode() + b'30,31,"clerk,no\n30,2,x,no\n', "well-formed"),
    "quotes around everything": (
        "\n".join('"' + line.replace(",", '","') + '"' for line in LINES).encode(), FINE),
    "line breaks in cells": (replaced("clerk", '"cle\nrk"'), FINE),
    "windows line ends": (CSV.replace("\n", "\r\n").encode(), FINE),
    "old mac line ends": (CSV.replace("\n", "\r").encode(), "well-formed|NUL|new-line|FINE|"),
    "no line end at the end": (CSV.strip().encode(), FINE),
    "blank lines between": (CSV.replace("\n", "\n\n").encode(), FINE),
    "NUL bytes": (CSV.replace("clerk", "cl\0rk").encode(), "binary data"),
    "a byte order mark": (b"\xef\xbb\xbf" + CSV.encode(), FINE),
    "UTF-16 with a mark": (CSV.encode("utf-16"), "encoding: utf-16"),
    "UTF-16 without a mark": (CSV.encode("utf-16-le"), "encoding: utf-16-le"),
    "UTF-16, big end first": (CSV.encode("utf-16-be"), "encoding: utf-16-be"),
    "latin-1": (CSV.replace("clerk", "cl\xe9rk").encode("latin-1"), "not utf-8 text"),
    "umlauts": (CSV.replace("clerk", "Bäcker").encode(), FINE),
    "blanks around names": (replaced("label", " label "), "no column label"),
    "a name twice": (replaced("age", "job"), "two columns are called"),
    "a name that is empty": (column(str, ""), FINE),
    "names that are numbers": (column(str, "2024"), FINE),
    "a very long name": (column(str, "n" * 5000), FINE),
    "very long cells": (column(lambda i: f"w{i % 3}" * 20000), FINE),
    "1e400": (column(lambda i: "1e400" if i == 5 else "1.5"), "record 5"),
    "inf": (column(lambda i: "inf" if i == 5 else "1.5"), "record 5"),
    "minus inf": (column(lambda i: "-Infinity" if i == 5 else "1.5"), "record 5"),
    "huge integers": (column(lambda i: str(2**62 + i)), FINE),
    "integers beyond 64 bits": (column(lambda i: str(10**30 + i)), "more"),
    "numbers with blanks": (column(lambda i: f" {i} "), FINE),
    "exponents": (column(lambda i: f"{i}e-3"), FINE),
    "hexadecimal": (column(lambda i: hex(i + 100)), "different words"),
    "mixed types": (column(lambda i: "many" if i % 3 else str(i % 4)), FINE),
    "a note in a column of numbers": (column(lambda i: "see file" if i == 7 else str(i)), "words"),
    "all missing": (column(lambda _: ""), FINE),
    "nearly all missing": (column(lambda i: "" if i > 3 else "1"), FINE),
    "constant": (column(lambda _: "1"), FINE),
    "a constant word": (column(lambda _: "same"), FINE),
    "true and false": (column(lambda i: str(i % 2 == 0)), FINE),
    "true, false and nothing": (column(lambda i: ("true", "false", "")[i % 3]), FINE),
    "percent": (column(lambda i: f"{i}%"), "unit or sign"),
    "euros": (column(lambda i: f"€{i}.50"), "unit or sign"),
    "times": (column(lambda i: f"2024-01-01T00:{i % 60:02d}:00Z"), "dates"),
    "names of people": (column(lambda i: f"person {i}"), "name or number of the record"),
    "formulas": (column(lambda i: "=1+1"), FINE),
    "only one class": (labelled(lambda _: "yes"), "no record is of class no"),
    "a class too many": (labelled(lambda i: ("yes", "no", "maybe")[i % 3]), "'maybe'"),
    "labels with blanks": (labelled(lambda i: " yes" if i % 2 else "no "), FINE),
    "labels in capitals": (labelled(lambda i: "YES" if i % 2 else "no"), "yes?"),
    "labels that are missing": (labelled(lambda i: "" if i == 3 else "yes"), "record 4"),
    "labels that are numbers": (labelled(lambda i: str(i / 7)), "regression"),
    "labels with lists": (labelled(lambda i: "yes|no" if i == 2 else "yes"), "multi-label"),
    "comments in front": (b"# exported\n" + CSV.encode(), "first line is a comment"),
    "HTML": (b"<!DOCTYPE html><html><body>404</body></html>\n", "download that failed"),
    "JSON": (b'[{"age": 1, "label": "yes"}]\n', "no column label|well-formed"),
    "a pickle": (b"\x80\x04\x95" + b"x" * 50, "a pickle"),
    "Excel": (b"\xd0\xcf\x11\xe0" + b"x" * 50, "Excel"),
    "a PDF": (b"%PDF-1.4\n", "PDF"),
    "gzip": (gzip.compress(CSV.encode()), "starts like gzip"),
}  # fmt: skip


def app_of(folder: Path, name: str, content: bytes) -> Path:
    (folder / name).write_bytes(content)
    (folder / "filter.py").write_text(TABLE_FILTER, encoding="utf-8")
    path = folder / "app.yaml"
    text = TABLE.replace("table.csv", name)
    if name.endswith("npz"):
        text = text.replace("  label: label\n", "").replace("[no, yes]", "[0, 1]")
    path.write_text(text, encoding="utf-8")
    return path


def told(path: Path, words: str) -> None:
    """Check that there is at most one problem, which names a key and says one of these words."""
    found = check(path)
    if words == FINE:
        assert found == ()
        return
    accepted = words.split("|")
    if not found:
        assert "" in accepted
        return
    (problem,) = found
    assert any(word in str(problem) for word in accepted), str(problem)
    assert getattr(problem, "key", "")


@pytest.mark.parametrize("name", CSV_FILES)
def test_odd_csv_files(name: str, tmp_path: Path) -> None:
    content, words = CSV_FILES[name]
    told(app_of(tmp_path, "data.csv", content), words)


GZIPPED = {
    "whole": (gzip.compress(CSV.encode()), FINE),
    "cut off": (gzip.compress(CSV.encode())[:-30], "unpacked|well-formed"),
    "plain text": (CSV.encode(), "it should be gzip"),
    "rubbish after its head": (b"\x1f\x8b" + b"x" * 99, "unpacked|well-formed"),
}


@pytest.mark.parametrize("name", GZIPPED)
def test_odd_gzip_files(name: str, tmp_path: Path) -> None:
    content, words = GZIPPED[name]
    told(app_of(tmp_path, "data.csv.gz", content), words)


N = 120
Y = np.arange(N) % 2
X = np.random.default_rng(0).normal(size=(N, 3))


def npz(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


NPZ: Mapping[str, tuple[bytes, str]] = {
    "plain": (npz(x=X, y=Y), FINE),
    "float32": (npz(x=X.astype(np.float32), y=Y), FINE),
    "no arrays": (npz(), "no array x"),
    "objects": (npz(x=np.array([{}] * N, dtype=object), y=Y), "pickles"),
    "records with names": (npz(x=np.zeros(N, dtype=[("a", "f8")]), y=Y), "texts"),
    "complex numbers": (npz(x=X + 1j, y=Y), "complex"),
    "dates": (npz(x=np.array(["2024-01-01"] * N, dtype="M8[D]"), y=Y), "texts"),
    "NaN": (npz(x=np.where(X > 2, np.nan, X), y=Y), FINE),
    "inf": (npz(x=np.where(X > 2, np.inf, X), y=Y), "finite"),
    "no axis": (npz(x=np.float64(1), y=Y), "known kind"),
    "five axes": (npz(x=np.zeros((N, 2, 2, 2, 2)), y=Y), "known kind"),
    "no columns": (npz(x=np.zeros((N, 0)), y=Y), "no column"),
    "no records": (npz(x=np.zeros((0, 3)), y=np.zeros(0)), "0 records"),
    "classes that do not fit": (npz(x=X, y=Y[:-1]), "do not fit"),
    "one-hot classes": (npz(x=X, y=np.eye(2)[Y]), "one-hot"),
    "a column of classes": (npz(x=X, y=Y[:, None]), FINE),
    "texts": (npz(x=np.array([f"word {i}" for i in range(N)]), y=Y), FINE),
    "words in rows": (
        npz(x=np.array([["a", "b"][i % 2] for i in range(N)])[:, None], y=Y),
        "got no record",
    ),
    "truncated": (npz(x=X, y=Y)[:-80], "cannot be read"),
    "rubbish after its head": (b"PK\x03\x04" + b"x" * 99, "cannot be read"),
    "bools": (npz(x=np.random.default_rng(1).random((N, 9)) > 0.5, y=Y), FINE),
}


@pytest.mark.parametrize("name", NPZ)
def test_odd_npz_files(name: str, tmp_path: Path) -> None:
    content, words = NPZ[name]
    told(app_of(tmp_path, "data.npz", content), words)


def test_a_pair_of_npy_files(tmp_path: Path) -> None:
    path = app_of(tmp_path, "x.npy", b"")
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    text = path.read_text(encoding="utf-8").replace("[no, yes]", "[0, 1]")
    path.write_text(text.replace("label: label", "label: y.npy"), encoding="utf-8")
    assert check(path) == ()
    path.write_text(text.replace("  label: label\n", ""), encoding="utf-8")
    told(path, "label: y.npy")
    (tmp_path / "x.npy").write_bytes((tmp_path / "x.npy").read_bytes()[:-9])
    path.write_text(text.replace("label: label", "label: y.npy"), encoding="utf-8")
    told(path, "cannot be read")


def frame(**more: Any) -> pd.DataFrame:
    made = pd.read_csv(io.StringIO(CSV))
    return made.assign(**more)


PARQUET: Mapping[str, tuple[Callable[[], Any], str]] = {
    "lists": (lambda: [[1, 2]] * N, "ndarray|list"),
    "dicts": (lambda: [{"a": 1}] * N, "dict"),
    "decimals": (lambda: [decimal.Decimal("1.50")] * N, "decimals"),
    "dates": (lambda: [dt.date(2024, 1, 1)] * N, "dates"),
    "times of the day": (lambda: [dt.time(1, 2)] * N, FINE),
    "timestamps": (lambda: pd.date_range("2024-01-01", periods=N, freq="h"), FINE),
    "timestamps with a zone": (lambda: pd.date_range("2024", periods=N, tz="Asia/Tokyo"), FINE),
    "spans": (lambda: pd.to_timedelta(np.arange(N), unit="s"), FINE),
    "categories": (lambda: pd.Categorical(["a", "b"] * (N // 2)), FINE),
    "nullable whole numbers": (lambda: pd.array([1, None] * (N // 2), dtype="Int64"), FINE),
    "bytes": (lambda: [b"ab"] * N, FINE),
    "None only": (lambda: [None] * N, FINE),
    "unsigned": (lambda: np.arange(N, dtype=np.uint64) + 2**63, FINE),
}


@pytest.mark.parametrize("name", PARQUET)
def test_odd_parquet_columns(name: str, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    make, words = PARQUET[name]
    path = app_of(tmp_path, "data.parquet", b"")
    frame(more=make()).to_parquet(tmp_path / "data.parquet")
    told(path, words)


@pytest.mark.parametrize("keep", [20, 400, -9])
def test_a_parquet_file_that_is_cut_off(keep: int, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = app_of(tmp_path, "data.parquet", b"")
    frame().to_parquet(tmp_path / "data.parquet")
    content = (tmp_path / "data.parquet").read_bytes()
    (tmp_path / "data.parquet").write_bytes(content[:keep])
    told(path, "cannot be read")
