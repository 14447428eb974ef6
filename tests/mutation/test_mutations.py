"""Every mutation still names a line that is there, and tests that exist."""

from __future__ import annotations

from tests.mutation.mutations import ROOT, load


def test_every_mutation_can_be_applied() -> None:
    for mutation in load():
        text = (ROOT / mutation.file).read_text(encoding="utf-8")
        assert mutation.applied(text) != text, mutation.name
        compile(mutation.applied(text), mutation.file, "exec")


def test_every_mutation_names_tests_that_exist() -> None:
    for mutation in load():
        assert mutation.tests, mutation.name
        for test in mutation.tests:
            path, _, name = test.partition("::")
            assert (ROOT / path).exists(), f"{mutation.name}: {path}"
            if name:
                assert f"def {name.partition('[')[0]}(" in (ROOT / path).read_text(), test


def test_there_are_at_least_sixty_and_no_name_stands_twice() -> None:
    names = [mutation.name for mutation in load()]
    assert len(names) >= 60
    assert len(set(names)) == len(names)
    assert sum(bool(mutation.survives) for mutation in load()) <= 3
