"""What every attack owes the framework; a new attack inherits these tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from goalkeeper.attacks import catalogue
from goalkeeper.testing import Check, attack_checks, worlds_of
from tests.contract.harness import KeptWorlds

# Fast settings in fair games, where no change that is allowed wins: neither more steps nor more
# training data make a difference, so the law of the wins does not depend on them.
SMALL: Mapping[str, Mapping[str, Any]] = {
    "apgd": {"steps": 20, "targets": 1},
    "back_gradient": {"strengths": (1.0,)},
    "character_edits": {"halves": 3},
    "class_average_from_gradients": {"steps": 15, "starts": 2},
    "columns_from_labels": {"draws": 5, "starts": 2},
    "columns_from_substitute": {"questions": 100, "tries": 2},
    "gradients_from_substitute": {"questions": 100, "networks": 1},
    "pgd": {"steps": 10, "restarts": 1},
    "square": {"steps": 20},
    "substitute_from_data": {"inputs": 150, "blended": 0.0},
    "substitute_from_scores": {"inputs": 150, "blended": 0.0},
    "transferred_gradients": {"steps": 5},
}

# Attacks that train dozens of models each time they run: `make test` sees that they win their
# rigged game, `make validate` checks the rest.
SLOW = frozenset({
    "apgd", "attribute_from_own_copy", "back_gradient", "columns_from_substitute",
    "columns_transferred", "equation_solving", "family_guess", "family_guess_texts",
    "good_words_from_substitute", "gradients_from_substitute",
    "hyperparameters", "indicator_words", "insert_labelled", "label_robustness",
    "logit_differences", "neighbour_loss", "relative_likelihood",
    "shadow_likelihood", "substitute", "substitute_from_data",
    "pgd", "square", "substitute_from_scores", "tree_paths",
})  # fmt: skip


def checks() -> Iterator[Any]:
    for name, attack in catalogue().items():
        worlds = KeptWorlds(worlds_of(attack.game))
        for check in attack_checks(attack, worlds, small=SMALL.get(name)):
            slow = name in SLOW and not check.name.endswith("wins-the-rigged-game")
            marks = [pytest.mark.validation] if slow else []
            yield pytest.param(check, id=check.name, marks=marks)


@pytest.mark.parametrize("check", list(checks()))
def test_contract(check: Check) -> None:
    check()
