"""Every mistake in an application file is told with its line, its key and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from goalkeeper.core.errors import DescriptionError
from goalkeeper.describe import DescriptionErrors, check, load
from tests.describe.writing import BASE, line_of, write_text_app


@dataclass(frozen=True)
class Bad:
    """A mistake: `old` is replaced by `new`; the error must stand on the line with `marker`."""

    id: str
    old: str
    new: str
    key: str
    marker: str
    says: tuple[str, ...]


CASES = (
    Bad("unknown-key", "harmless: ham", "harmles: ham", "harmles", "harmles:", ("harmless?",)),
    Bad("unknown-nested", "  label: label", "  lable: label", "data.lable", "lable", ("label?",)),
    Bad("missing-needs", "    none: The filter is published.\n", "", "needs.confidentiality",
        "  confidentiality:", ("no value",)),
    Bad("goal-left-out", "  confidentiality:\n    none: The filter is published.\n", "",
        "needs.confidentiality", "needs:", ("missing", "confidentiality: ...")),
    Bad("twice", "harmless: ham", "harmless: ham\nname: again", "name", "name: again",
        ("twice", "line 2")),
    Bad("version", "goalkeeper: 1", "goalkeeper: 2", "goalkeeper", "goalkeeper", ("one of 1",)),
    Bad("no-version", "goalkeeper: 1\n", "", "goalkeeper", "name:", ("missing",)),
    Bad("half-character", "harmless: ham", 'harmless: ham\ndescription: "a\\ud83d"', "description",
        "description", ("half of a character", "ud83d")),
    Bad("one-class", "[ham, spam]", "[ham]", "classes", "classes", ("at least 2",)),
    Bad("same-class", "[ham, spam]", "[ham, ham]", "classes", "classes", ("listed twice",)),
    Bad("harmless-unknown", "harmless: ham", "harmless: hem", "harmless", "harmless",
        ("ham?", "not one of the classes")),
    Bad("wiring-unknown", "spam: spam folder", "spm: folder", "wiring.spm", "wiring", ("spam?",)),
    Bad("no-data-file", "file: mail.csv", "file: mial.csv", "data.file", "mial", ("mail.csv?",)),
    Bad("no-folder", "file: mail.csv", "file: there/mail.csv", "data.file", "there", ("folder",)),
    Bad("variable", "file: mail.csv", "file: ${GK_NO_SUCH}/mail.csv", "data.file", "GK_NO",
        ("export GK_NO_SUCH=",)),
    Bad("suffix", "file: mail.csv", "file: filter.py", "data.file", "file: filter", (".parquet",)),
    Bad("two-sources", "  text: text", "  function: filter.py:build\n  text: text",
        "data.function", "function", ("exactly one of file, function, train",)),
    Bad("no-source", "  file: mail.csv\n", "", "data", "data:", ("exactly one of",)),
    Bad("train-alone", "file: mail.csv", "train: mail.csv", "data.train", "train: mail",
        ("train needs test",)),
    Bad("text-column", "text: text", "text: txet", "data.text", "txet", ("text?",)),
    Bad("label-column", "label: label", "label: lable", "data.label", "lable", ("label?",)),
    Bad("label-unnamed", "  label: label\n", "", "data.label", "data:", ("not named",)),
    Bad("person-column", "person: person", "person: peron", "data.person", "peron", ("person?",)),
    Bad("subgroup-column", "[topic]", "[topics]", "data.subgroups", "topics", ("topic?",)),
    Bad("text-is-label", "text: text", "text: nothing", "data.text", "nothing", ("one of text",)),
    Bad("class-missing-in-list", "[ham, spam]\nharmless: ham", "[ham, scam]\nwiring: {}",
        "classes", "classes", ("'spam'", "record", "scam?")),
    Bad("class-without-records", "[ham, spam]", "[ham, spam, scam]", "classes", "classes",
        ("no record is of class scam",)),
    Bad("parts-sum", "train: 0.4", "train: 0.5", "data.parts", "parts", ("sum to 1", "1.1")),
    Bad("parts-type", "train: 0.4", "train: some", "data.parts.train", "parts", ("a number",)),
    Bad("parts-negative", "train: 0.4", "train: -1", "data.parts.train", "parts", ("above 0",)),
    Bad("parts-missing", "similar: 0.25", "simlar: 0.25", "data.parts.simlar", "parts",
        ("similar?",)),
    Bad("max-chars", "  text: text", "  text: text\n  max_chars: 3", "data.max_chars",
        "max_chars", ("characters",)),
    Bad("one-hot-text", "  text: text", "  text: text\n  one_hot: [[a, b]]", "data.one_hot",
        "one_hot", ("tables",)),
    Bad("columns-text", "model:", "columns: {a: {low: 1}}\nmodel:", "columns", "columns:",
        ("not rows of a table",)),
    Bad("input-kind", "name: Small", "input: image\nname: Small", "input", "input", ("texts",)),
    Bad("no-python-file", "filter.py:build", "filtre.py:build", "model.build", "filtre",
        ("filter.py?",)),
    Bad("no-function", "filter.py:build", "filter.py:biuld", "model.build", "biuld", ("build",)),
    Bad("no-colon", "filter.py:build", "filter.build", "model.build", "filter.build",
        ("file.py:name",)),
    Bad("not-callable", "filter.py:build", "filter.py:limit", "model.build", "limit",
        ("not a function",)),
    Bad("build-raises", "filter.py:build", "filter.py:build_broken", "model.build", "broken",
        ("ZeroDivisionError", "filter.py line 9")),
    Bad("build-wrong", "filter.py:build", "filter.py:build_nothing", "model.build", "nothing",
        ("int", "untrained")),
    Bad("two-models", "  build: filter.py:build", "  build: filter.py:build\n  file: x.pickle",
        "model.file", "file: x.pickle", ("exactly one of build, file, http, function",)),
    Bad("no-model", "  build: filter.py:build", "  trust: true", "model", "model:",
        ("exactly one of",)),
    Bad("trained-on-what", "build: filter.py:build", "function: filter.py:predict",
        "model.function", "predict", ("data.train", "training records")),
    Bad("no-model-file", "build: filter.py:build", "file: filter.py", "model.file", "file: filter",
        ("is not a model of a kind that goalkeeper can", "pickle or joblib", "model.function")),
    Bad("sha-form", "build: filter.py:build", "file: filter.py\n  trust: true\n  sha256: abc",
        "model.sha256", "sha256", ("64 digits",)),
    Bad("tolerance", "benign_rejection: 0.01", "benign_rejection: 3",
        "tolerances.benign_rejection", "tolerances", ("at most 1",)),
    Bad("secrecy-class", "partial: public", "partial: pubic", "secrecy.data.partial",
        "partial: pubic", ("public?",)),
    Bad("level", "level: normal", "level: norml", "needs.integrity.tasks.level", "norml",
        ("normal?",)),
    Bad("reason", ", reason: The mail is private.", "", "needs.privacy.self_determination.reason",
        "self_determination", ("missing",)),
    Bad("no-scenario", "    tasks: {level: normal, reason: Spam is deleted by hand.}",
        "    cumulation: {reason: many}", "needs.integrity", "  integrity:",
        ("no damage scenario",)),
    Bad("none-and-damage", "none: The filter is published.",
        "none: Published.\n    laws: {level: high, reason: It is secret.}",
        "needs.confidentiality.none", "none: Pub", ("keep either",)),
    Bad("distribution-privacy", "    self_determination",
        "    distribution: {reason: two of them}\n    self_determination",
        "needs.privacy.distribution", "distribution", ("copies increase",)),
    Bad("attacker", "customer]", "custommer]", "attackers[1]", "attackers", ("customer?",)),
    Bad("attacker-twice", "customer]", "outsider]", "attackers[1]", "attackers", ("twice",)),
    Bad("based-on", "[outsider, customer]", "\n  - name: Eve\n    based_on: insder",
        "attackers[0].based_on", "insder", ("insider?",)),
    Bad("own-attacker", "[outsider, customer]", "\n  - name: Eve\n    window: easy",
        "attackers[0]", "  - name: Eve", ("based_on",)),
    Bad("window", "[outsider, customer]",
        "\n  - name: Eve\n    based_on: insider\n    window: eazy",
        "attackers[0].window", "eazy", ("easy?",)),
    Bad("capability", "[outsider, customer]",
        "\n  - name: Eve\n    based_on: insider\n    capabilities: [T1, T9]",
        "attackers[0].capabilities[1]", "T9", ("one of T1",)),
    Bad("budget", "[outsider, customer]",
        "\n  - name: Eve\n    based_on: insider\n    budget: {share: 5}",
        "attackers[0].budget.share", "share: 5", ("at most 1",)),
    Bad("labeller", "attackers:", "labeller: filter.py:honnest\nattackers:", "labeller",
        "honnest", ("no function honnest",)),
    Bad("policy", "attackers:", "policy: {rating: mine.yaml}\nattackers:", "policy.rating",
        "mine.yaml", ("does not exist",)),
    Bad("list-not-mapping", "secrecy:\n  data: {partial: public, full: confidential}",
        "secrecy: [public]", "secrecy", "secrecy", ("a mapping", "a list")),
    Bad("name-empty", "name: Small filter", "name:", "name", "name:", ("no value",)),
)  # fmt: skip


@pytest.mark.parametrize("bad", CASES, ids=[bad.id for bad in CASES])
def test_tells_line_key_and_what_to_do(bad: Bad, tmp_path: Path) -> None:
    text = BASE.replace(bad.old, bad.new, 1)
    if "wiring: {}" in bad.new:
        text = text.replace("wiring: {ham: inbox, spam: spam folder}\n", "")
    assert text != BASE, "the case changes nothing"
    path = write_text_app(tmp_path, text)
    with pytest.raises(DescriptionError) as raised:
        load(path)
    error = raised.value
    found = error.problems if isinstance(error, DescriptionErrors) else (error,)
    place = f"app.yaml:{line_of(text, bad.marker)}"
    mine = [str(p) for p in found if p.key == bad.key and p.where == place]
    assert any(all(words in said for words in bad.says) for said in mine), str(error)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    text = BASE.replace("customer]", "custmer]").replace("harmless: ham", "harmless: hem")
    text = text.replace("filter.py:build", "nothing.py:build").replace("mail.csv", "no.csv")
    found = check(write_text_app(tmp_path, text))
    assert [getattr(p, "key", "") for p in found] == [
        "harmless", "data.file", "model.build", "attackers[1]",
    ]  # fmt: skip
    with pytest.raises(DescriptionErrors) as raised:
        load(tmp_path / "app.yaml")
    assert str(raised.value).count("app.yaml:") == 4


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not an application file"),
        ("- a\n- b\n", "not an application file"),
        ("a: [b\n", "this is not YAML"),
        ("a: b: c\n", "this is not YAML"),
        ("goalkeeper: 1\n\tname: x\n", "this is not YAML"),
        ("a: &x [*x]\n", "nested too deeply"),
        ("a: " + "[" * 40 + "]" * 40, "nested too deeply"),
        ("a: " + "[" * 5000, "nested too deeply"),
        ("? [a, b]\n: c\n", "plain words"),
        ("base: &b {x: 1}\n<<: *b\n", "plain words"),
        ("a: !!python/object:os.system x\n", "no such key"),
    ],
)
def test_refuses_what_is_no_description(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match=says):
        load(write_text_app(tmp_path, text))


def test_alias_bomb_is_refused_quickly(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(DescriptionError, match="nested too deeply"):
        load(write_text_app(tmp_path, "\n".join(lines)))


@pytest.mark.parametrize(
    ("old", "new", "advice"),
    [
        ("data:", "data:\n  columns: {a: {type: category}}", "at the top of the file.* below data"),
        ("data:", "label: y\ndata:", "below `data:`; here it stands at the top"),
    ],
)
def test_a_key_in_another_place_is_sent_to_its_own(
    old: str, new: str, advice: str, tmp_path: Path
) -> None:
    text = "goalkeeper: 1\nname: x\nclasses: [a, b]\ndata:\n  file: d.csv\n"
    with pytest.raises(DescriptionError, match=advice):
        load(write_text_app(tmp_path, text.replace(old, new, 1)))


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match="goalkeeper init"):
        load(tmp_path / "app.yaml")


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "app.yaml"
    path.write_bytes(b"name: \xe9\n")
    with pytest.raises(DescriptionError, match="UTF-8"):
        load(path)
