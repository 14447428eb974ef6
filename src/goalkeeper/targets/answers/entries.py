"""The names under which models and services put what they answer, and their errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# What entries of a dict, or attributes of an object, hold, the richest first; "" for those whose
# name does not say it.
ENTRIES: Mapping[str, str] = {
    "logits": "logits",
    "log_probabilities": "log-probabilities",
    "log_probs": "log-probabilities",
    "logprobs": "log-probabilities",
    "probabilities": "probabilities",
    "probability": "probabilities",
    "output_probability": "probabilities",
    "probs": "probabilities",
    "prob": "probabilities",
    "proba": "probabilities",
    "margins": "margins",
    "decision_function": "margins",
    "scores": "",
    "score": "",
    "outputs": "",
    "output": "",
    "out": "",
    "predictions": "",
    "prediction": "",
    "preds": "",
    "pred": "",
    "y_pred": "",
    "labels": "labels",
    "label": "labels",
    "output_label": "labels",
    "classes": "labels",
    "class": "labels",
}
LABEL_KEYS = ("label", "class", "prediction")
SCORE_KEYS = ("score", "probability", "confidence", "prob")
SAY_ERROR = ("error", "errors", "exception", "fault", "detail")
SAY_STATUS = ("status", "status_code", "code")
FIRST_FAILURE, LAST_FAILURE = 400, 599  # of the HTTP statuses


def error_in(raw: Any) -> str:
    """Return what a model's answer, or a part of it, says of an error; empty where it does not.

    A function that hands on the reply of a service gives `{"error": "overloaded"}` where the
    service is busy, for all inputs or for some. A number under such a name is the score of a class.
    """
    if isinstance(raw, list | tuple):
        return next((text for text in map(_error_of, raw) if text), "")
    return _error_of(raw)


def _error_of(raw: Any) -> str:
    if not isinstance(raw, Mapping):
        return ""
    by_name = {str(key).lower(): value for key, value in raw.items()}
    if any(by_name.get(key) is not None for key in ENTRIES):
        return ""
    status = next((by_name[key] for key in SAY_STATUS if key in by_name), None)
    failed = isinstance(status, int) and FIRST_FAILURE <= status <= LAST_FAILURE
    for key in (*SAY_ERROR, *(("message",) if failed else ())):
        text = _text_of(by_name.get(key))
        if text:
            return text
    return f"status {status}" if failed else ""


def _text_of(said: Any) -> str:
    """Return the sentence in a text, a dict with a message, or a list of such."""
    if isinstance(said, list):
        said = said[0] if said else None
    if isinstance(said, Mapping):
        named = (said.get(key) for key in ("message", "msg", "type"))
        said = next((part for part in named if isinstance(part, str)), str(dict(said)))
    return " ".join(said.split())[:200] if isinstance(said, str) else ""
