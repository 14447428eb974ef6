"""How well the model fits its data, in words: for `check`, `run` and the first page."""

from __future__ import annotations

from goalkeeper.core.fit import AccuracyEstimate, FitReport
from goalkeeper.report import format as fmt
from goalkeeper.report.parts import Table

QUESTION = "Is this what you know of your model?"
CONFIRM = "say so with `expects: {accuracy: ...}` or `expects: {answers: FILE}` under model"
MOST_CLASSES = 12


def describe_fit(fit: FitReport) -> str:
    """Say in one line what the model answers to labelled records, and ask whether it is known."""
    unseen = _with_interval(fit.holdout)
    text = (
        f"Accuracy on unseen records {unseen}, on training data {fmt.percent(fit.train.value)}; "
        f"always answering {fit.majority_class} gives {fmt.percent(fit.majority)}"
    )
    if fit.reference is not None:
        text += f", {fit.reference_model} {fmt.percent(fit.reference)}"
    if fit.confirmed:
        return f"{text}. This is what you expect ({fit.expects})."
    return f"{text}. {QUESTION}"


def describe_doubt(fit: FitReport) -> str:
    """Say what is in doubt, and what to do; empty for a model that fits."""
    if not fit.doubtful:
        return ""
    causes = [f"{c.cause} (accuracy {fmt.percent(c.accuracy)}): {c.remedy}" for c in fit.causes]
    text = (
        f"It is in doubt whether this is your model: {'; '.join(fit.reasons)}. Nothing that it "
        "withstands counts."
    )
    likely = f" Likely cause: {'; or: '.join(causes[:2])}." if causes else ""
    return f"{text}{likely} If it is your model, {CONFIRM}."


def fit_table(fit: FitReport) -> Table:
    """List accuracy, majority, reference and recall of each class."""
    rows = [
        ("accuracy, unseen records", *_cells(fit.holdout)),
        ("accuracy, training data", *_cells(fit.train)),
        (f"always answering {fit.majority_class}", fmt.percent(fit.majority), "", ""),
    ]
    if fit.reference is not None:
        rows.append((f"reference: {fit.reference_model}", fmt.percent(fit.reference), "", ""))
    classes = fit.recall
    if len(classes) > MOST_CLASSES:  # the lowest are those to look at
        known = [r for r in classes if r.accuracy is not None]
        lowest = sorted(known, key=lambda r: r.accuracy.value if r.accuracy else 0.0)
        classes = tuple(lowest[:MOST_CLASSES])
    for recall in classes:
        cells = _cells(recall.accuracy) if recall.accuracy else ("no record", "", "0")
        rows.append((f"recall of {recall.name}", *cells))
    head = ("On labelled records", "Right", "95 % interval", "n")
    return Table("Does the model fit its data?", head, tuple(rows))


def examples_table(fit: FitReport) -> Table:
    """List three unseen records with their class and the answer of the model."""
    rows = tuple((e.record, e.label, e.answer) for e in fit.examples)
    return Table("Three unseen records", ("Record", "Class", "Answer of the model"), rows)


def _cells(accuracy: AccuracyEstimate) -> tuple[str, str, str]:
    value, interval = fmt.value_and_interval(
        accuracy.low, accuracy.high, accuracy.value, "accuracy"
    )
    return value, interval, f"{accuracy.n:,}"


def _with_interval(accuracy: AccuracyEstimate) -> str:
    value, interval, n = _cells(accuracy)
    return f"{value} ({interval}, n = {n})"
