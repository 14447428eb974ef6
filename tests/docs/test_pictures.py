"""Each game has a picture with all that it says, inside its boxes; every attack is explained."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from goalkeeper.attacks import catalogue
from goalkeeper.games import catalogue as games
from tests.docs.pages import REFERENCE, read, script

PAGE = read(REFERENCE / "how-attacks-work.md")
PARTS = {part.split("\n", 1)[0]: part for part in re.split(r"^## ", PAGE, flags=re.M)[1:]}
SVG = "{http://www.w3.org/2000/svg}"


def picture(name: str) -> ET.Element:
    drawn = re.search(r"<svg.*</svg>", PARTS[name], re.S)
    assert drawn is not None
    return ET.fromstring(drawn[0])  # noqa: S314 - made by our own script


@pytest.mark.parametrize("name", games())
def test_a_picture_says_what_the_game_deals_keeps_and_is_answered_with(name: str) -> None:
    texts = " ".join(t for node in picture(name).iter(f"{SVG}tspan") for t in [node.text or ""])
    about = script("pictures").said(games()[name])
    assert {"Question", "Answer"} <= set(about), "the docstring begins `Question: ... Answer: ...`"
    for what in about.values():
        assert what.replace("`", "") in texts, what


@pytest.mark.parametrize("name", games())
def test_lines_stay_inside_their_boxes(name: str) -> None:
    drawn, pictures = picture(name), script("pictures")
    height = int(drawn.attrib["viewBox"].split()[-1])
    for text in drawn.iter(f"{SVG}text"):
        lines = list(text.iter(f"{SVG}tspan"))
        assert int(text.attrib["y"]) + pictures.LINE * (len(lines) - 1) < height
        assert all(len(line.text or "") <= pictures.COLUMNS for line in lines)


def test_every_attack_is_explained_under_its_game() -> None:
    for name, attack in catalogue().items():
        assert f"\n- [{name}](attacks.md#{name}): " in PARTS[attack.game.name], name


def test_what_a_picture_shows_is_read_to_those_who_do_not_see_it() -> None:
    for name in games():
        label = picture(name).attrib["aria-label"]
        assert label.startswith(f"The game {name}: Game deals: ")
