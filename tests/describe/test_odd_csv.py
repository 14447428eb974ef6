"""CSV files that are not what a reader takes them for: each error says what the file is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from goalkeeper.core.errors import DescriptionError
from goalkeeper.describe import check, load
from goalkeeper.describe.looks import DATE

NEEDS = """needs:
  integrity: {tasks: {level: normal, reason: A person decides.}}
  availability: {tasks: {level: normal, reason: A person decides.}}
  confidentiality: {none: No secret.}
  privacy: {laws: {level: high, reason: Records of people.}}
"""
RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(RNG.normal(size=(200, 3)).round(3), columns=list("abc"))
TABLE["label"] = np.where(TABLE.a - TABLE.b > 0, "yes", "no")
TEXT = TABLE.to_csv(index=False)
CODE = """
from sklearn.compose import make_column_selector as chosen, make_column_transformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
def build(): return make_pipeline(SimpleImputer(), LogisticRegression())
def of_words(): return make_pipeline(make_column_transformer(
    (CountVectorizer(token_pattern=r"\\w+"), "k"), remainder="passthrough"), LogisticRegression())
"""


def described(
    folder: Path, text: str, data: str = "", tail: str = "", build: str = "build"
) -> Path:
    (folder / "data.csv").write_text(text, encoding="utf-8")
    (folder / "model.py").write_text(CODE)
    path = folder / "application.yaml"
    path.write_text(
        "goalkeeper: 1\nname: Small\nclasses: ['no', 'yes']\n"
        f"data: {{file: data.csv, label: label{data}}}\nmodel: {{build: model.py:{build}}}\n"
        f"{tail}{NEEDS}"
    )
    return path


def error_of(path: Path) -> str:
    found = check(path)
    assert len(found) == 1, found
    return str(found[0])


ODD = {
    "no names": (TEXT.partition("\n")[2], "holds values, and no names"),
    "a comment": ("# exported\n" + TEXT, "first line is a comment"),
    "a title": ("Export of May,,,\n" + TEXT, "is a title"),
    "blanks between": (TEXT.replace(",", " "), "`separator: ' '`"),
    "names with blanks": (TEXT.replace(",label", ", label", 1), "write ' label'"),
    "a page": ("<!DOCTYPE html>\n<html></html>\n", "download that failed"),
    "a pointer": ("version https://git-lfs.github.com/spec/v1\noid x\n", "git lfs pull"),
}


@pytest.mark.parametrize(("text", "said"), ODD.values(), ids=ODD)
def test_what_the_file_is_stands_in_the_error(tmp_path: Path, text: str, said: str) -> None:
    assert said in error_of(described(tmp_path, text))


def test_a_tab_in_single_quotes_is_a_tab(tmp_path: Path) -> None:
    path = described(tmp_path, TEXT.replace(",", "\t"), r", separator: '\t'")
    assert not check(path)


def test_numbers_in_the_first_line_may_be_names(tmp_path: Path) -> None:
    assert not check(described(tmp_path, TEXT.replace("a,b,c", "2019,2020,2021", 1)))


def test_blanks_in_place_of_a_number_are_a_missing_value(tmp_path: Path) -> None:
    text = TABLE.assign(a=TABLE.a.astype(str).where(TABLE.index % 9 > 0, " ")).to_csv(index=False)
    assert "missing_words: [' ']" in error_of(described(tmp_path, text))
    tail = "columns: {a: {missing_words: [' ']}}\n"
    assert load(described(tmp_path, text, tail=tail)).domain.missing.any()


def test_texts_in_a_table_are_called_so_and_can_be_given(tmp_path: Path) -> None:
    words = [f"this is text number {i}" for i in range(len(TABLE))]
    text = TABLE.assign(k=words).to_csv(index=False)
    assert "column k holds texts" in error_of(described(tmp_path, text))
    tail = "columns: {k: {type: category}}\n"
    load(described(tmp_path, text, tail=tail, build="of_words"))


@pytest.mark.parametrize("word", ["01/02/20", "1-Apr-2020", "3. März 2021", "Jan 5, 2020"])
def test_dates_in_many_forms(word: str) -> None:
    assert DATE.fullmatch(word)


@pytest.mark.parametrize("word", ["1.2.10", "12 mg", "north", "1/2"])
def test_what_is_no_date(word: str) -> None:
    assert not DATE.fullmatch(word)


def test_parts_may_be_in_capitals(tmp_path: Path) -> None:
    parts = np.where(TABLE.index < 100, "TRAIN", "Test ")
    assert not check(described(tmp_path, TABLE.assign(p=parts).to_csv(index=False), ", part: p"))


def test_a_column_without_any_value_is_named(tmp_path: Path) -> None:
    path = described(tmp_path, TEXT.replace("\n", ",\n"), build="plain")
    (tmp_path / "model.py").write_text(
        CODE.replace("def build", "plain = LogisticRegression\ndef build")
    )
    with pytest.raises(DescriptionError, match="no training record has a value in Unnamed: 4"):
        load(path)


def two_files(folder: Path, train: list[str], test: list[str], tail: str = "") -> Path:
    for name, part, rows in (("train", train, TABLE[:100]), ("test", test, TABLE[100:])):
        rows.assign(k=(part * 100)[:100]).to_csv(folder / f"{name}.csv", index=False)
    path = described(folder, TEXT, tail=tail, build="of_words")
    files = "train: {file: train.csv}, test: {file: test.csv}"
    path.write_text(path.read_text().replace("file: data.csv", files))
    return path


def test_words_in_one_file_and_numbers_in_the_other(tmp_path: Path) -> None:
    codes, digits = ["A1", "B2", "10"], ["10", "11"]
    assert "column k holds words" in error_of(two_files(tmp_path, digits, codes))
    path = two_files(tmp_path, codes, digits)
    assert "column k holds words" in error_of(path)
    tail = "columns: {k: {type: category, dtype: str}}\n"
    app = load(two_files(tmp_path, codes, digits, tail))
    column = app.domain.columns[-1]
    assert column.categories == ("10", "11", "A1", "B2")


def test_a_word_for_a_missing_value_in_one_file_only(tmp_path: Path) -> None:
    numbers = [str(i) for i in range(20)]
    path = two_files(tmp_path, [*numbers, "?"], numbers)
    assert "missing_words: ['?']" in error_of(path)


def test_a_letter_taken_apart_is_the_same_letter(tmp_path: Path) -> None:
    path = described(tmp_path, TEXT.replace("yes", "scho\u0308n"))
    path.write_text(path.read_text().replace("'yes'", "sch\u00f6n"))
    assert not check(path)


def test_other_names_of_all_classes_are_listed(tmp_path: Path) -> None:
    text = TEXT.replace("yes", "1").replace("no", "0")
    assert "the data call the classes 0, 1" in error_of(described(tmp_path, text))
