"""Rewrite an application file for another folder, with other defences."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from goalkeeper.describe.document import Key
from goalkeeper.describe.references import References

KEY = "defences"
Edit = tuple[int, int, str]  # from, to, and what takes the place


def relocate(
    path: Path,
    references: References,
    folder: Path,
    defences: Sequence[str | Mapping[str, Any]],
) -> str:
    """Return the text of an application file as it must stand in another folder.

    Names of files are rewritten so that the same files are found, and `defences` takes the place
    of those that are listed. Everything else stays as it is, comments included.

    Parameters
    ----------
    path
        The application file.
    references
        Has found every file that it names.
    folder
        Where the text will stand.
    defences
        What is to stand under `defences`; empty: the key is left out.
    """
    text = path.read_text(encoding="utf-8-sig")
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    edits = [*_moved(root, path.parent, references.named, folder), *_old_defences(root)]
    for start, end, written in sorted(edits, reverse=True):
        text = text[:start] + written + text[end:]
    return text.rstrip() + "\n" + _listed(defences)


def _moved(root: yaml.Node, old: Path, named: Mapping[Key, str], new: Path) -> Iterator[Edit]:
    """Yield the edit of each name of a file; absolute names and variables stay."""
    for key, name in named.items():
        node = _node(root, key)
        if not isinstance(node, yaml.ScalarNode) or "${" in name or Path(name).is_absolute():
            continue
        moved = Path(os.path.relpath((old / name).resolve(), new.resolve())).as_posix()
        written = json.dumps(node.value.replace(name, moved, 1), ensure_ascii=False)
        yield node.start_mark.index, node.end_mark.index, written


def _old_defences(root: yaml.Node) -> Iterator[Edit]:
    """Yield the edit that takes the defences out that are listed."""
    for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
        if key.value == KEY:
            yield key.start_mark.index, value.end_mark.index, ""


def _node(root: yaml.Node, key: Key) -> yaml.Node | None:
    node: yaml.Node | None = root
    for step in key:
        if isinstance(node, yaml.MappingNode):
            node = next((value for name, value in node.value if name.value == str(step)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step] if step < len(node.value) else None
        else:
            return None
    return node


def _listed(defences: Sequence[str | Mapping[str, Any]]) -> str:
    if not defences:
        return ""
    written = yaml.safe_dump({KEY: list(defences)}, sort_keys=False, allow_unicode=True)
    return f"\n{written}"
