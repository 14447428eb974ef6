"""A user's own policy: its hash, and errors that name the file and the key."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

import goalkeeper.policy
from goalkeeper.core.errors import PolicyError
from goalkeeper.policy import Policy, default_policy

SHIPPED = Path(goalkeeper.policy.__file__).parent


def copy(tmp_path: Path, name: str, old: str, new: str) -> Path:
    """Copy a shipped file with one change."""
    text = (SHIPPED / name).read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / name
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.requirement("S2")
def test_the_hash_is_that_of_the_bytes_and_changes_with_each(tmp_path: Path) -> None:
    shipped = default_policy()
    content = (SHIPPED / "rating.yaml").read_bytes()
    assert shipped.sha256 == hashlib.sha256(content).hexdigest()
    same = Policy.load(rating=copy(tmp_path, "rating.yaml", "alpha: 0.05", "alpha: 0.05"))
    assert same.row() == shipped.row()
    tighter = Policy.load(rating=copy(tmp_path, "rating.yaml", "alpha: 0.05", "alpha: 0.04"))
    assert tighter.sha256 != shipped.sha256
    assert tighter.rating.alpha == 0.04
    assert tighter.taxonomy_sha256 == shipped.taxonomy_sha256
    space = Policy.load(taxonomy=copy(tmp_path, "taxonomy.yaml", "named: true", "named:  true"))
    assert space.taxonomy_sha256 != shipped.taxonomy_sha256
    assert space.sha256 == shipped.sha256


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("critical_level:", "critical_levels:", "critical_levels: unknown key; did you mean"),
        ("alpha: 0.05", "alpha: 0.7", "policy.alpha: Input should be less than 0.5; given: 0.7"),
        ("  id: goals-default\n", "", "policy.id: is missing"),
        (
            "{share: 0.0, compute_h: 10}".replace("{", ""),
            "shar: 0.0, compute_h: 10}",
            "profiles.outsider.budget.shar: unknown key; did you mean 'share'?",
        ),
        ("view: labels", "view: label", "profiles.outsider.view: Input should be 'nothing', "),
        (
            "window: easy\n",
            "window: eazy\n",
            "profiles.outsider.window: there is no 'eazy'; did you mean 'easy'?",
        ),
        ("edges: [0.01, 0.05", "edges: [0.05, 0.01", "metrics.success_rate.edges: must rise"),
        (
            "not_tested: [0, 4]",
            "not_tested: [0, 0]",
            "status_interval.not_tested: must be [0, 4], so that what was not tested is never",
        ),
        ("  excluded: [0, 4]\n", "", "status_interval: excluded is missing"),
        ("{1: 14, 2: 20, 3: 25}", "{1: 14, 2: 10, 3: 25}", "required_attack_potential: give"),
        ("{1: 3, 2: 2, 3: 1}", "{1: 1, 2: 2, 3: 1}", "critical_level: give levels 1 to 4"),
        ("existence_rule: {3: 1}", "existence_rule: {1: 1}", "existence_rule: give levels"),
        ("medium: 3, high: 4}", "medium: 3, high: 2}", "risk_matrix.2: give values 1 to 5"),
        ("[.inf, 19]", "[400, 19]", "attack_potential.elapsed_time: the bounds must rise and end"),
        ("[30, 4]", "[30, 40]", "attack_potential.elapsed_time: more days must never cost fewer"),
        ("[[13, high], [19, medium]", "[[13, medium], [19, high]", "feasibility: name high"),
        (
            "data: {partial: public",
            "data: {partial: pubic",
            "default_secrecy.data.partial: there is no 'pubic'; did you mean 'public'?",
        ),
        ("partial: public, full: conf", "full: conf", "default_secrecy.data.partial: is missing"),
        ("  algorithm: {partial: public", "  algoritm: {partial: public", "'algorithm'?"),
        ("{partial: public, full: c", "{part: public, full: c", "default_secrecy.data.part: there"),
        ("alpha: 0.05", "alpha: 0.05\n  alpha: 0.5", "the key 'alpha' stands twice"),
        ("alpha: 0.05", "alpha: {", "rating.yaml:"),
    ],
)
def test_an_unusable_rating_names_file_and_key(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = copy(tmp_path, "rating.yaml", old, new)
    with pytest.raises(PolicyError) as raised:
        Policy.load(rating=path)
    assert message in str(raised.value)
    assert str(raised.value).startswith(str(path))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("metric: success_rate", "metric: sucess_rate", "did you mean 'success_rate'?"),
        ("refs: [chen2020]", "refs: [chen2002]", "families.evasion.variants.decision.refs: there"),
        ("expertise: layman", "expertise: lazy", "variants.good_words.expertise: Input should be"),
        ("campaign: input", "campain: input", "good_words.campain: unknown key; did you mean 'ca"),
        ("[[M1, M2]]", "[[M1, M9]]", "variants.good_words.capabilities.0.1: Input should be 'T1'"),
        ("chain: extraction.l", "chain: extractor.l", "substitute.chain: there is no 'extractor."),
        ("harms: [integrity.model]", "harms: [integrity.data]", "backdoor_dirty.harms: there is"),
        ("{knowledge: {data: partial}", "{knowledge: {date: partial}", "knowledge.date: Input"),
        ("{goal: privacy, rank: primary", "{goal: privacy, level: data, rank: primary", "only int"),
        (
            "rank: primary}\n    metric: likel",
            "rank: consequence}\n    metric: likel",
            "at least one",
        ),
        ("  atlas: MITRE ATLAS 5.6.0\n", "", "there is no 'atlas'"),
    ],
)
def test_an_unusable_taxonomy_names_file_and_key(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = copy(tmp_path, "taxonomy.yaml", old, new)
    with pytest.raises(PolicyError) as raised:
        Policy.load(taxonomy=path)
    assert message in str(raised.value)
    assert str(raised.value).startswith(str(path))


def test_a_file_that_is_no_mapping_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "rating.yaml"
    with pytest.raises(PolicyError, match="cannot be read"):
        Policy.load(rating=path)
    path.write_text("- 1\n", encoding="utf-8")
    with pytest.raises(PolicyError, match="must hold a mapping of keys, holds list"):
        Policy.load(rating=path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PolicyError, match=r"rating\.yaml"):
        Policy.load(rating=path)
    path.write_text("a: 1\n", encoding="utf-8")
    with pytest.raises(PolicyError, match=r"and \d+ more"):
        Policy.load(rating=path)
