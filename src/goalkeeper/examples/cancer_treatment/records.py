"""Measurements of 569 tumours (scikit-learn's breast cancer data), with invented patients."""

from __future__ import annotations

import numpy as np
import pandas as pd

AGES = ("under 50", "50 to 69", "70 and older")
SMOKERS = 0.3


def contents(seed: int, size: int | None) -> dict[str, bytes]:
    """Write the first `size` patients (default: all).

    Ages and who smokes are drawn at random: smoking has nothing to do with the tumour, so what
    an attacker learns of it beyond its base rate can only come from the model's memory.
    """
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(data.data, columns=[n.replace(" ", "_") for n in data.feature_names])
    n = len(frame)
    frame.insert(0, "patient", [f"P{i:03d}" for i in rng.permutation(n)])
    frame.insert(1, "age", rng.choice(AGES, n, p=(0.3, 0.5, 0.2)))
    frame.insert(2, "smoker", (rng.random(n) < SMOKERS).astype(int))
    frame["tumour"] = np.where(data.target == 1, "benign", "malignant")
    return {"patients.csv": frame[:size].to_csv(index=False, lineterminator="\n").encode()}
