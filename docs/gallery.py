"""Write docs/gallery.md: what the bundled examples get, each as it is and hardened.

    python docs/gallery.py            # runs what is missing below build/gallery: some minutes
    python docs/gallery.py FOLDER     # the same below FOLDER

The page is committed: it shows real runs of this version, as `goalkeeper report --format markdown`
writes them.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "gallery.md"
EXAMPLES = {
    "spam-filter": "A filter of texts",
    "cancer-treatment": "A table about patients",
    "digit-reader": "Images and a network",
}
INTRODUCTION = """# Gallery

<!-- Written by `python docs/gallery.py`; do not edit. -->

Real assessments of the three bundled examples, each as it is and hardened, with default settings
and seed 0. What stands here is what `goalkeeper report RUN --format markdown` prints; the report in
HTML has the plots, every attack run and every reason. Run one yourself:

```console
$ goalkeeper init --example spam-filter filter
$ goalkeeper run filter/application.yaml -o filter/run
```

What the hardening changed, and what it cost, is explained in the tutorials:
[spam filter](tutorial/spam-filter.md), [cancer treatment](tutorial/cancer-treatment.md),
[digit reader](tutorial/digit-reader.md).
"""


def main(folder: Path) -> None:
    """Run what is missing, and write the page."""
    PAGE.write_text("\n".join([INTRODUCTION, *sections(folder)]), encoding="utf-8")


def sections(folder: Path) -> Iterator[str]:
    """Yield a section for each description."""
    for name, title in EXAMPLES.items():
        for hardened in (False, True):
            run = assess(name, folder, hardened=hardened)
            yield f"## {title}: {name}{', hardened' if hardened else ''}\n"
            yield body(run) + "\n"


def assess(name: str, folder: Path, *, hardened: bool) -> Path:
    """Return the run folder of an example; it is run if it is not there."""
    place = folder / (f"{name}-hardened" if hardened else name)
    run = place / "run"
    if not (run / "MANIFEST.sha256").exists():
        goalkeeper("init", "--example", name, *(["--hardened"] if hardened else []), place)
        file, store = place / "application.yaml", folder / "store"
        goalkeeper("run", file, "-o", run, "--store", store, "--fail-on", "never")
    return run


def goalkeeper(*words: str | Path) -> str:
    """Run a command of goalkeeper and return what it prints; what failed stands in the report."""
    command = [sys.executable, "-m", "goalkeeper", *map(str, words)]
    return subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603


def body(run: Path) -> str:
    """Return the Markdown of a run without its title, its headings one level deeper."""
    text = goalkeeper("report", run, "--format", "markdown")
    lines = [line for line in text.splitlines() if not line.startswith("# ")]
    deeper = (re.sub(r"^#+ ", lambda found: f"#{found[0]}", line) for line in lines)
    return "\n".join(deeper).replace(str(run), "RUN").replace(str(run.parent), "FOLDER").strip()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "gallery")
