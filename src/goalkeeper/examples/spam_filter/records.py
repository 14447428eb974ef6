"""The mailbox of the example, and the truth about it, as files."""

from __future__ import annotations

import json
from dataclasses import asdict

from goalkeeper.examples.spam_filter.mail import generate

MAILS = 3000


def contents(seed: int, size: int | None) -> dict[str, bytes]:
    """Write `size` mails and what is true of them."""
    mailbox = generate(seed=seed, mails=size or MAILS)
    truth = mailbox.truth
    known = {**asdict(truth), "log_odds": dict(truth.log_odds), "writer": truth.writer.tolist()}
    return {
        "mail.csv": mailbox.frame.to_csv(index=False, lineterminator="\n").encode(),
        "truth.json": (json.dumps(known, indent=1) + "\n").encode(),
    }
