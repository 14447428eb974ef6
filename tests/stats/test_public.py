from __future__ import annotations

import subprocess
import sys

import goalkeeper.stats as stats


def test_every_public_name_exists_and_is_documented() -> None:
    assert sorted(stats.__all__) == stats.__all__
    for name in stats.__all__:
        assert getattr(stats, name).__doc__, name


# The command line must answer fast: scipy is imported where it is used.
def test_import_needs_no_scipy() -> None:
    code = "import sys, goalkeeper.stats; sys.exit(any(m.startswith('scipy') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
