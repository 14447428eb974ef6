"""Readers of public data sets that no single key of an application file describes."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

FOLDER = Path(os.environ.get("GOALKEEPER_DATA", "."))


def enron() -> pd.DataFrame:
    """Read Enron-Spam: users 1 to 5 are for training, user 6 is for testing."""
    mail = pd.read_parquet(FOLDER / "enron_spam.parquet")
    text = mail["subject"].fillna("") + "\n" + mail["text"].fillna("")
    frame = pd.DataFrame({"text": text, "label": mail["label"], "user": mail["group"]})
    frame["part"] = np.where(mail["group"] == "enron6", "test", "train")
    return frame.drop_duplicates("text").reset_index(drop=True)


def mnist() -> tuple[np.ndarray, np.ndarray]:
    """Read the first 12,000 training digits of MNIST as 1 x 28 x 28 bytes."""
    with np.load(FOLDER / "mnist.npz", allow_pickle=False) as stored:
        return stored["x_train"][:12_000, None], stored["y_train"][:12_000]
