"""What `Access` hands out cannot change the application, for every method that there is."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from goalkeeper.core.access import Access
from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import Data, fingerprint
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.core.readonly import FrozenMapping, read_only
from tests.core.everything import Whole, application, opened, part
from tests.core.test_every_grant import TABLE, Row
from tests.scribbling import scribble

ALL = Power(
    knowledge=Knowledge(data=Grade.FULL, algorithm=Grade.FULL, model=Grade.FULL),
    capabilities=Capability.T1 | Capability.M1 | Capability.M3 | Capability.M4,
    view=View.GRADIENTS,
    budget=Budget(queries=1000, share=0.5),
)
EVERYTHING = replace(ALL, capabilities=ALL.capabilities | Capability.W | Capability.O)
LEAST = {  # arrays that these hand out, so that a test which looks at nothing fails
    "query": 1,
    "parameters": 3,
    "data": 3,
    "own": 3,
    "reachable": 1,
    "left": 1,
    "check": 3,
    "network": 1,
}


def state(app: Application) -> str:
    """Hash everything in an application that an attack could spoil for the next one."""
    assert isinstance(app.target, Whole)
    held = vars(app.target)
    parts = {name: getattr(app.data, name) for name in app.data.sizes()}
    held = {**held, "logits": {repr(k): v for k, v in app.target.logits.items()}}
    return fingerprint(parts, held, app.classes, app.domain)


@pytest.mark.parametrize("row", TABLE, ids=str)
@pytest.mark.parametrize("power", [EVERYTHING, None], ids=["all power", "least power"])
def test_in_place_edits_do_not_reach_the_application(row: Row, power: Power | None) -> None:
    app = application()
    row.use(opened(power or row.power, app))  # the target now keeps what it answers
    before = state(app)
    found = row.use(opened(power or row.power, app))
    arrays = 0 if isinstance(found, Access) else scribble(found, past_numpy=True)
    assert state(app) == before
    assert arrays >= LEAST.get(row.method, 0)


def test_victims_are_as_safe_as_the_application() -> None:
    victims = tuple(Whole([[i, 1.0], [1.0, i]]) for i in range(3))
    before = [v.weights.copy() for v in victims]
    for door in opened(EVERYTHING, victims=victims).victims():
        scribble(
            [door.parameters(), door.network(), door.query(part(0).x), door.data()], past_numpy=True
        )
    assert all((v.weights == was).all() for v, was in zip(victims, before, strict=True))


def test_a_tampering_attack_edits_no_genuine_parameters() -> None:
    app = application()
    before = state(app)

    def edits(known: Any) -> Any:
        with pytest.raises(ValueError, match="read-only"):
            known["weights"][0] = 9.0
        with pytest.raises(TypeError):
            known["weights"] = 9.0
        return {"weights": known["weights"] + 1}

    changed = opened(EVERYTHING, app).tamper(edits)
    assert state(app) == before
    assert (changed.parameters()["weights"] == app.target.parameters()["weights"] + 1).all()


def test_rows_in_reach_cannot_be_extended_by_writing_to_them() -> None:
    access = opened(replace(EVERYTHING, knowledge=Knowledge(), budget=Budget(share=0.1)))
    rows = access.reachable().tolist()
    scribble(access.reachable(), past_numpy=True)
    assert access.reachable().tolist() == rows


def test_an_own_network_counts_and_is_a_copy() -> None:
    app = application()
    access = opened(EVERYTHING, app)
    network = access.network()
    network(np.ones((5, 2)))
    assert access.spent.forward == 5
    assert isinstance(app.target, Whole)
    assert not np.shares_memory(network.weights, app.target.weights)


# ---- values --------------------------------------------------------------------------------------


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclass(frozen=True)
class Holder:
    array: Any
    name: str = ""
    made: list[int] = field(default_factory=list, init=False)


def test_read_only_values_keep_their_content_and_share_their_memory() -> None:
    array = np.arange(3.0)
    frozen = read_only(array)
    assert np.shares_memory(frozen, array)
    with pytest.raises(ValueError, match="read-only"):
        frozen[0] = 1
    array[0] = 5  # whoever made it still may
    assert frozen[0] == 5
    parts: dict[str, Any] = {"a": [array, {"b": array}], "c": Pair(array, {1})}
    held = read_only({**parts, "d": Holder(array, "x")})
    assert isinstance(held["c"], Pair)
    assert (held["d"].name, held["c"].second) == ("x", {1})
    assert scribble(held) == 4
    assert array.tolist() == [5, 1, 2]


def test_what_is_read_only_already_is_returned_as_it_is() -> None:
    data = part(0)
    for value in (data, read_only(np.ones(2)), read_only({"a": 1}), "text", print):
        assert read_only(value) is value


def test_a_dataclass_that_may_be_assigned_to_is_its_owners_business() -> None:
    @dataclass
    class Open:
        array: Any

    held = Open(np.ones(2))
    assert read_only(held) is held


@pytest.mark.parametrize(
    "table",
    [pd.DataFrame({"a": [1.0, 2.0]}), pd.Series([1.0, 2.0]), csr_array(np.eye(2))],
    ids=["frame", "series", "sparse"],
)
def test_tables_with_a_memory_of_their_own_are_copied(table: Any) -> None:
    frozen = read_only(table)
    (frozen.data if isinstance(table, csr_array) else frozen.iloc)[0] = 7.0
    assert table.sum().sum() in (2.0, 3.0)


def test_frozen_mappings_can_be_copied_pickled_and_compared() -> None:
    values = FrozenMapping({"a": 1, "b": 2})
    assert values == {"a": 1, "b": 2} == pickle.loads(pickle.dumps(values))  # noqa: S301
    assert copy.deepcopy(values) == values
    assert repr(values) == "{'a': 1, 'b': 2}"
    assert {**values, "a": 3} == {"a": 3, "b": 2}


def test_records_and_their_parts_are_read_only() -> None:
    data = part(0)
    for some in (data, data.take(slice(3)), data.take(np.array([1, 2])), data.joined(data)):
        assert scribble(some) == 3
        assert not some.x.flags.writeable
        with pytest.raises(TypeError):
            some.columns["person"] = some.y  # type: ignore[index]
    assert (data.x == part(0).x).all()
    assert pickle.loads(pickle.dumps(data)).columns["person"].tolist() == (  # noqa: S301
        data.columns["person"].tolist()
    )


def test_columns_given_as_a_dict_are_not_the_givers_any_more() -> None:
    columns = {"a": np.arange(2)}
    data = Data(x=np.ones((2, 1)), y=np.zeros(2, dtype=np.int64), columns=columns)
    columns["b"] = np.arange(5)
    assert list(data.columns) == ["a"]


def test_answers_that_a_target_keeps_are_not_written_to() -> None:
    app = application()
    first = opened(EVERYTHING, app).query(part(0).x)
    scribble(first, past_numpy=True)
    again = opened(EVERYTHING, app).query(part(0).x)
    assert isinstance(again, Answers)
    assert (again.logits == part(0).x @ app.target.parameters()["weights"].T).all()
