"""Jobs as free workers take them: known from the start, or found on the way."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from goalkeeper.compute.executor import Job
from goalkeeper.compute.feed import Feed, out_of_time


def grouped(names: str) -> list[Job]:
    """Make jobs a0, b1, ... of the groups a, b, ..."""
    return [
        Job(id=f"{name}{i}", call="x:y", group=name.replace("-", ""))
        for i, name in enumerate(names)
    ]


def taken(feed: Feed, last: str = "", held: str = "") -> str:
    found = feed.take(last, set(held))
    return found[0].id if found else "nothing"


def test_a_worker_prefers_its_own_group_then_one_that_nobody_has() -> None:
    feed = Feed(grouped("aabbc"))
    assert taken(feed) == "a0"
    assert taken(feed, held="a") == "b2", "another worker has a"
    assert taken(feed, last="a", held="b") == "a1"
    assert taken(feed, last="a", held="b") == "c4"
    assert taken(feed, last="a", held="bc") == "b3", "rather another's than none"
    assert taken(feed) == "nothing"
    feed.fill(1)
    assert feed.finish() == []


def test_jobs_without_a_group_keep_their_order() -> None:
    feed = Feed(grouped("--a-"))
    assert [taken(feed, held="a") for _ in range(4)] == ["-0", "-1", "-3", "a2"]


def test_a_job_whose_worker_died_comes_first_and_is_its_second_attempt() -> None:
    feed = Feed(grouped("---"))
    first = feed.take()
    assert first is not None
    feed.again(first[0])
    assert feed.take() == (first[0], 2)


def test_when_time_is_over_nothing_is_handed_out() -> None:
    asked = []

    def growing() -> Iterator[Job]:
        for one in grouped("---"):
            asked.append(one)
            yield one

    feed = Feed(growing(), time.time() + 0.1)
    feed.fill(1)
    first = feed.take()
    assert first is not None
    time.sleep(0.11)
    feed.fill(1)
    assert feed.take() is None
    assert len(asked) == 1
    feed.again(first[0])
    assert feed.finish() == [out_of_time(first[0])], "it had begun"


def test_an_iterator_is_asked_again_after_none_but_not_after_its_end() -> None:
    feed = Feed(iter([None, *grouped("-"), None]))
    found = []
    for _ in range(4):
        feed.fill(1)
        found.append(taken(feed))
    assert found == ["nothing", "-0", "nothing", "nothing"]
    assert feed.finish() == []
    waiting = Feed(iter([None, None]))
    waiting.fill(1)
    with pytest.raises(RuntimeError, match="no job is running"):
        waiting.finish()


def test_an_iterator_is_asked_for_as_many_jobs_as_workers_are_free() -> None:
    feed = Feed(iter(grouped("abab")))
    feed.fill(2)
    assert [feed.has(group) for group in ("a", "b", "")] == [True, True, False]
    assert taken(feed, last="b", held="a") == "b1"
    feed.fill(2)
    assert taken(feed, last="b", held="a") == "a0", "b3 was not asked for"
