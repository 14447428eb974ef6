"""Every page is in the navigation, every link leads somewhere, and no page names a machine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.pages import (
    CONTRIBUTING,
    DOCS,
    EVERYTHING,
    PAGES,
    README,
    ROOT,
    anchors,
    blocks,
    exists,
    generated,
    is_generated,
    links,
    read,
    short,
)
from tests.test_architecture import MAY_IMPORT

each_page = pytest.mark.parametrize("page", EVERYTHING, ids=short)
MACHINE = re.compile(r"(?<![\w.])/(?:work|tmp|home|root|usr|mnt|var)/|[A-Z]:\\|localhost")


def leaves(node: Any) -> Iterator[str]:
    """List the pages of a navigation, which nests lists and mappings."""
    if isinstance(node, str):
        yield node
        return
    for child in node.values() if isinstance(node, dict) else node:
        yield from leaves(child)


def test_navigation_and_files_agree() -> None:
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    listed = list(leaves(nav))
    assert sorted(listed) == sorted(
        page.relative_to(DOCS).as_posix() for page in [*PAGES, *generated()]
    )
    assert len(listed) == len(set(listed))


def check_links(page: Path) -> None:
    for link in links(page):
        if re.match(r"https?://", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert exists(target), f"{short(page)}: {link} leads nowhere"
        if anchor:
            assert anchor in anchors(target), f"{short(page)}: {link}: no such heading"


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    check_links(page)


def test_links_of_generated_pages_lead_somewhere() -> None:
    for page in generated():
        check_links(page)


def test_pages_outside_the_site_link_to_committed_files_only() -> None:
    """A reader of the repository sees README and CONTRIBUTING, but no generated page."""
    for page in (README, CONTRIBUTING):
        files = [(page.parent / link.partition("#")[0]).resolve() for link in links(page)]
        assert not [file for file in files if is_generated(file)], short(page)


def test_names_no_machine() -> None:
    for page in [*EVERYTHING, *generated()]:
        found = MACHINE.search(read(page))
        assert found is None, (short(page), found)


@each_page
def test_headings_are_in_sentence_case(page: Path) -> None:
    known = {"CI", "JSON", "README", "Python", "PyTorch"}
    known |= {"Robustness", "Toolbox", "Privacy", "Meter", "Foolbox"}  # names of other tools
    for heading in re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE):
        later = heading.split(". ")[-1].split()[1:]
        shouted = [w for w in later if w[0].isupper() and w.strip(".,:") not in known]
        assert not shouted or heading.startswith(("File", "Set-up")), heading


def test_make_targets_exist() -> None:
    """Whatever `make` command a page names is a target, and the README has its two."""
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for page in EVERYTHING:
        named = re.findall(r"`make (\w+)`|^make (\w+)$", page.read_text(), re.MULTILINE)
        assert {a or b for a, b in named} <= set(targets), short(page)
    first = next(blocks(README, "bash"))
    assert first.body.split("\n")[:2] == ["make demo", "make test"]
    assert "make lint" in CONTRIBUTING.read_text()


def test_files_named_by_the_architecture_page_exist() -> None:
    page = (DOCS / "architecture.md").read_text()
    packages = {p.parent.name for p in (ROOT / "src" / "goalkeeper").glob("*/__init__.py")}
    listed = set(re.findall(r"^\| `(\w+)/` \|", page, re.MULTILINE))
    assert listed == packages
    rows = re.findall(r"^\| `(\w+)/` \| .* \| ([^|]+) \|$", page, re.MULTILINE)
    for package, allowed in rows:
        may = MAY_IMPORT[package] - {package}
        if allowed != "all of these":
            assert set(allowed.split(", ")) - {"nothing of ours"} == may, package
    for path in re.findall(r"`((?:tests|src|docs)/[\w/.]+)`", page):
        assert (ROOT / path).exists(), path


def test_site_builds_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    """Build the site from a copy of the committed pages, with fresh generated ones."""
    pytest.importorskip("mkdocs", reason="the docs extra is not installed")
    pytest.importorskip("material", reason="the docs extra is not installed")
    site, copy = tmp_path / "site", tmp_path / "copy"
    shutil.copytree(DOCS, copy / "docs", ignore=shutil.ignore_patterns("reference", "__pycache__"))
    shutil.copy(ROOT / "mkdocs.yml", copy)
    for page, text in generated().items():
        target = copy / "docs" / page.relative_to(DOCS)
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, encoding="utf-8")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(site)],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    asset = re.compile(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']?https?://[^>]+>")
    assert (site / "reference" / "attacks.html").is_file()
    for html in site.rglob("*.html"):
        assert asset.search(html.read_text(encoding="utf-8")) is None, html.name
    assert not list(site.rglob("*.py"))
