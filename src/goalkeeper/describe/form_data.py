"""The form of the data of an application: where records come from, and what columns mean."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from goalkeeper.describe.fields import Name, Names, Section, Share, shorthand


def _one(value: Any) -> Any:
    if isinstance(value, list):
        raise PydanticCustomError(
            "not_assessed",
            "several labels for one record (multi-label) are not assessed yet; name one column "
            "whose values are the classes, and describe an application for each label",
        )
    return value


def _tab(value: Any) -> Any:
    return "\t" if value == "\\t" else value  # as it stands in single quotes, or in none


OneName = Annotated[Name, BeforeValidator(_one)]


class SourceForm(Section):
    """A file with records."""

    model_config = ConfigDict(json_schema_extra=shorthand("file"))

    file: str = Field(
        min_length=1,
        description="CSV, TSV, Parquet, npz or npy file; ${NAME} stands for a variable",
    )
    inputs: Name | None = Field(default=None, description="npz: name of the array of inputs")
    label: Name | None = Field(
        default=None,
        description="npz: name of the array of classes; npy: the file with the classes",
    )


def _source(value: Any) -> Any:
    return {"file": value} if isinstance(value, str) else value


Source = Annotated[SourceForm, BeforeValidator(_source)]


class PartsForm(Section):
    """Shares into which records are cut; they sum to 1."""

    train: Share | None = Field(
        default=None, description="what the model is trained on; only when one file is cut"
    )
    holdout: Share = Field(description="records the model never saw, for questions and accuracy")
    calibration: Share = Field(description="for thresholds and false-alarm rates")
    similar: Share = Field(description="the data of an attacker who knows similar data")


class DataForm(Section):
    """The records, and what their columns mean."""

    file: str | None = Field(
        default=None,
        min_length=1,
        description="CSV, TSV (also as .csv.gz), Parquet, npz or npy file; goalkeeper cuts it into "
        "the four parts. "
        "${NAME} stands for an environment variable",
    )
    function: str | None = Field(
        default=None,
        description="Python function `file.py:name` without arguments that returns a DataFrame "
        "or a pair (inputs, classes)",
    )
    train: Source | None = Field(
        default=None, description="records the model was trained on (needs `test`)"
    )
    test: Source | None = Field(
        default=None, description="records it never saw; goalkeeper cuts them into the other parts"
    )
    part: Name | None = Field(
        default=None,
        description="column with the part of each record: train or test (or train, holdout, "
        "calibration, similar)",
    )
    text: Name | None = Field(default=None, description="column of the text, if inputs are texts")
    features: Names | None = Field(
        default=None,
        description="columns the model sees, in its order; tables only (default: all columns "
        "that no other key of `data` names)",
    )
    inputs: Name | None = Field(
        default=None, description="npz: name of the array of inputs (default: x)"
    )
    label: OneName | None = Field(
        default=None,
        description="column or array of the true classes (npz default: y); of npy files the file "
        "with the classes",
    )
    person: Name | None = Field(
        default=None, description="column that names the person a record belongs to"
    )
    subgroups: Names = Field(
        default=(), description="columns by whose values results are also reported separately"
    )
    sensitive: Names = Field(
        default=(), description="columns whose values must not be inferred from the model"
    )
    drop: Names = Field(default=(), description="columns to leave out")
    one_hot: tuple[Names, ...] = Field(
        default=(), description="groups of 0/1 columns of which exactly one is 1"
    )
    parts: PartsForm | None = Field(
        default=None,
        description="shares of the four parts (default: train 0.4, holdout 0.25, calibration "
        "0.1, similar 0.25)",
    )
    sample: int | None = Field(
        default=None,
        ge=50,
        description="how many of the records to use: a random sample of each part and class, the "
        "same each time; a model that goalkeeper builds is trained on it, a stored one stays as it "
        "is (default: all)",
    )
    overlap: Literal["error", "drop"] = Field(
        default="error",
        description="what to do with test records that are also in the training data",
    )
    max_chars: int | None = Field(
        default=None,
        ge=1,
        description="longest text the application accepts (default: twice the longest record)",
    )
    encoding: str = Field(default="utf-8", description="text encoding of a CSV file")
    separator: Annotated[str | None, BeforeValidator(_tab)] = Field(
        default=None,
        min_length=1,
        max_length=1,
        description="separator between cells of a CSV file",
    )
    decimal: str | None = Field(
        default=None,
        min_length=1,
        max_length=1,
        description="mark before the fraction of a number in a CSV file (default: a point)",
    )
    thousands: str | None = Field(
        default=None,
        min_length=1,
        max_length=1,
        description="mark between groups of digits of a number in a CSV file (default: none)",
    )
    range: tuple[float, float] | None = Field(
        default=None,
        description="images: least and largest value that the model gets, such as [0, 1] or "
        "[0, 255]; values of another range in the file are scaled to it (default: the range of "
        "the file)",
    )
    channels: Literal["first", "last"] | None = Field(
        default=None,
        description="images: whether colours are the first axis of an image in the file or the "
        "last (default: as its shape says)",
    )
    membership_is_sensitive: bool = Field(
        default=False,
        description="whether it harms a person when others learn that they are in the data",
    )


class ColumnForm(Section):
    """What a feature of a table may look like."""

    type: Literal["number", "integer", "category", "date"] | None = Field(
        default=None, description="kind of the values (default: inferred from the data)"
    )
    dtype: str | None = Field(
        default=None,
        min_length=1,
        description="pandas type of the column in the DataFrame that the model gets, such as str, "
        "category or float32 (default: as pandas reads the data)",
    )
    missing: Literal["allowed", "never"] | None = Field(
        default=None,
        description="whether a cell may have no value (default: allowed where one in the data has "
        "none)",
    )
    missing_words: Names | None = Field(
        default=None,
        description="CSV: words that stand for a missing value in this column (default: those of "
        "pandas, such as NA and null); an empty list: none",
    )
    low: float | None = Field(
        default=None, allow_inf_nan=False, description="smallest value (default: of the data)"
    )
    high: float | None = Field(
        default=None, allow_inf_nan=False, description="largest value (default: of the data)"
    )
    categories: Names | None = Field(
        default=None, description="all values of a category (default: those in the data, sorted)"
    )
    immutable: bool = Field(
        default=False, description="whether an attacker who changes inputs cannot change this"
    )
