from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from goalkeeper.examples import write_example


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The spam filter example with few mails and one attacker: quick to run."""
    folder = tmp_path_factory.mktemp("small") / "filter"
    path = write_example("spam-filter", folder, size=700)
    content = yaml.safe_load(path.read_text())
    content["attackers"] = ["outsider"]
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path
