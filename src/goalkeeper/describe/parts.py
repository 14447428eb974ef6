"""Cut records into the four parts, and say what is odd about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import PARTS, Bools, Data, Ints, Splits, cut, place, row_keys
from goalkeeper.core.errors import DataError, DescriptionError
from goalkeeper.describe.document import Document, Key
from goalkeeper.describe.form import ApplicationForm
from goalkeeper.describe.form_data import PartsForm
from goalkeeper.describe.problems import problem
from goalkeeper.describe.records import ApplicationRecords
from goalkeeper.describe.sampling import describe_sample, sample_parts

SHARES = {"train": 0.4, "holdout": 0.25, "calibration": 0.1, "similar": 0.25}
REST = PARTS[1:]
FEW = 299  # Records of which none may fail to show, at 95 %, a share below 1 %.
TEST = "test"
_SPREAD = (
    "classes of which so few records are given that they were spread over the parts one by one, so "
    "that each part has some: {}; with so few, models that attackers train may lack a class"
)


@dataclass(frozen=True, eq=False)
class Cutter:
    """Cuts the records of a description."""

    document: Document
    form: ApplicationForm
    records: ApplicationRecords

    def cut(self, first: Bools | None) -> tuple[Splits, tuple[str, ...]]:
        """Return the parts and caveats; `first` marks training records that came apart."""
        data = self.records.data
        if first is not None:
            splits, caveats = self._beside(data, first, ~first, {})
        elif self.records.parts is not None:
            splits, caveats = self._by_column(self.records.parts)
        else:
            splits, caveats = self._cut(data), self._name_spread(data)
        self._filled(splits)
        odd = _oddities(data)
        if self.form.data.sample is not None and self.form.data.sample < len(data):
            splits = sample_parts(splits, self.form.data.sample)
            caveats.append(describe_sample(splits, len(data), self.form.model))
        return splits, (*self.records.caveats, *caveats, *odd, *_warn_of_few(splits))

    def _cut(self, data: Data) -> Splits:
        try:
            return cut(data, _shares(self.form.data.parts))
        except DataError as error:
            different = len(set(row_keys(data.x)))
            raise problem(
                self.document,
                ("data",),
                f"{error}; {different} of the inputs differ, and equal ones stay in one part",
                given=f"{len(data)} records",
                advice="give more different records, or larger shares in data.parts",
            ) from error

    def _name_spread(self, data: Data) -> list[str]:
        """Say how many classes are so rare that their records were spread by themselves."""
        where = place(data, _shares(self.form.data.parts))
        have = np.zeros((len(self.form.classes), len(PARTS)), dtype=np.int64)
        np.add.at(have, (data.y, where), 1)
        rare = int((have == 0).any(axis=1).sum())
        return [_SPREAD.format(rare)] if rare else []

    def _by_column(self, parts: NDArray[Any]) -> tuple[Splits, list[str]]:
        data = self.records.data
        key: Key = ("data", "part")
        allowed = (*PARTS, TEST)
        parts = np.array([str(part).strip().lower() for part in parts.tolist()], dtype=object)
        for row, value in enumerate(parts.tolist()):
            if value not in allowed:
                raise problem(
                    self.document,
                    key,
                    f"{self.records.raw.record(row)} belongs to the part {value!r}",
                    expected="one of " + ", ".join(allowed),
                    given=value,
                    advice="write train for what the model was trained on, and test for the rest",
                )
        named = {part: parts == part for part in PARTS if (parts == part).any()}
        if "train" not in named:
            advice = "write train for what the model was trained on"
            raise problem(self.document, key, "no record belongs to the part train", advice=advice)
        given = {part: rows for part, rows in named.items() if part != "train"}
        return self._beside(data, named["train"], parts == TEST, given)

    def _beside(
        self, data: Data, train: Bools, rest: Bools, given: Mapping[str, Bools]
    ) -> tuple[Splits, list[str]]:
        """Keep the training records, and cut the rest into the parts that are not given."""
        keys = np.array([key.hex() for key in row_keys(data.x)])
        overlapping = np.isin(keys, keys[train]) & ~train
        caveats = []
        if overlapping.any():
            self._overlapping(overlapping, train, keys)
            caveats = [
                f"{int(overlapping.sum())} test records are also in the training data and were "
                "left out (data.overlap: drop)"
            ]
        rows = dict(given)
        missing = [part for part in REST if part not in given]
        if missing:
            rows |= _cut_rest(keys, rest & ~overlapping, missing, self.form.data.parts)
        empty = next((part for part in REST if not (rows[part] & ~overlapping).any()), None)
        if empty is not None:
            raise problem(
                self.document,
                ("data",),
                f"no record is left for the {empty} part",
                given=f"{int(rest.sum())} test records",
                advice="give more test records",
            )
        parts = {part: data.take(rows[part] & ~overlapping) for part in REST}
        return Splits(train=data.take(train), **parts), caveats

    def _overlapping(self, overlapping: Bools, train: Bools, keys: NDArray[np.str_]) -> None:
        if self.form.data.overlap == "drop":
            return
        row = int(overlapping.argmax())
        twin = int((train & (keys == keys[row])).argmax())
        name = self.records.raw.record
        raise problem(
            self.document,
            ("data", "overlap"),
            f"{name(row)} is also in the training data, as {name(twin)} "
            f"({int(overlapping.sum())} such test records)",
            expected="test records that the model was not trained on",
            given="overlap: error",
            advice="take them out of the test data, or let goalkeeper do so: `overlap: drop`",
        )

    def _filled(self, splits: Splits) -> None:
        for part in PARTS:
            have = np.bincount(getattr(splits, part).y, minlength=len(self.form.classes))
            if not have.all():
                raise self._lacking(part, np.flatnonzero(have == 0))

    def _lacking(self, part: str, classes: Ints) -> DescriptionError:
        name, total = self.form.classes[int(classes[0])], len(self.records.data)
        records = int((self.records.data.y == classes[0]).sum())
        more = f" (and of {len(classes) - 1} other classes)" if len(classes) > 1 else ""
        return problem(
            self.document,
            ("data",),
            f"no record of class {name} fell into the {part} part{more}",
            expected=f"records of every class in every part: {len(PARTS)} different ones at least",
            given=f"{records} records of class {name}, of {total} in all",
            advice=f"give more records of class {name}, or leave the class out of `classes`",
        )


def _shares(form: PartsForm | None) -> dict[str, float]:
    if form is None:
        return SHARES
    return {part: share for part, share in form.model_dump().items() if share is not None}


def _cut_rest(
    keys: NDArray[np.str_], rest: Bools, parts: Sequence[str], form: PartsForm | None
) -> dict[str, Bools]:
    """Cut by the hash of each input, as `core.data.cut` does."""
    shares = np.array([_shares(form)[part] for part in parts])
    edges = np.cumsum(shares / shares.sum())
    place = np.array([int(key[:16], 16) / 2**64 for key in keys.tolist()])
    which = np.minimum(np.searchsorted(edges, place, side="right"), len(parts) - 1)
    return {part: rest & (which == i) for i, part in enumerate(parts)}


def _oddities(data: Data) -> list[str]:
    keys = row_keys(data.x)
    copies = len(keys) - len(set(keys))
    labels: dict[bytes, set[int]] = {}
    for key, label in zip(keys, data.y.tolist(), strict=True):
        labels.setdefault(key, set()).add(label)
    torn = sum(len(seen) > 1 for seen in labels.values())
    caveats = []
    if copies:
        caveats.append(
            f"{copies} of {len(keys)} records repeat another one; copies stay in the same part"
        )
    if torn:
        caveats.append(f"inputs that occur in the data with more than one class: {torn}")
    return caveats


def _warn_of_few(splits: Splits) -> list[str]:
    holdout = len(splits.holdout)
    if holdout >= FEW:
        return []
    least = 1 - 0.05 ** (1 / holdout)
    return [
        f"the holdout has only {holdout} records: even if an attack fails on all of them, a "
        f"success rate up to {least:.1%} cannot be excluded"
    ]
