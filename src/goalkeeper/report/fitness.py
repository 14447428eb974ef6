"""How well the model fits its data, in words: for `check`, `run` and the first page."""

from __future__ import annotations

from goalkeeper.core.fit import AccuracyEstimate, FitReport
from goalkeeper.report import format as fmt
from goalkeeper.report.language import N_, _
from goalkeeper.report.parts import Table

QUESTION = N_("Is this what you know of your model?")
CONFIRM = ("`expects: {accuracy: ...}`", "`expects: {answers: FILE}`")
MOST_CLASSES = 12


def describe_fit(fit: FitReport) -> str:
    """Say in one line what the model answers to labelled records, and ask whether it is known."""
    unseen = _with_interval(fit.holdout)
    text = _(
        "Accuracy on unseen records {unseen}, on training data {train}; always answering {answer} "
        "gives {majority}"
    ).format(
        unseen=unseen,
        train=fmt.percent(fit.train.value),
        answer=fit.majority_class,
        majority=fmt.percent(fit.majority),
    )
    if fit.reference is not None:
        text += f", {_(fit.reference_model)} {fmt.percent(fit.reference)}"
    if fit.confirmed:
        return f"{text}. {_('This is what you expect ({what}).').format(what=fit.expects)}"
    return f"{text}. {_(QUESTION)}"


def describe_doubt(fit: FitReport) -> str:
    """Say what is in doubt, and what to do; empty for a model that fits."""
    if not fit.doubtful:
        return ""
    causes = [
        _("{cause} (accuracy {accuracy}): {remedy}").format(
            cause=c.cause, accuracy=fmt.percent(c.accuracy), remedy=c.remedy
        )
        for c in fit.causes[:2]
    ]
    sentences = [
        _(
            "It is in doubt whether this is your model: {reasons}. Nothing that it withstands "
            "counts."
        ).format(reasons="; ".join(fit.reasons))
    ]
    if causes:
        likely = _("; or: ").join(causes)
        sentences.append(_("Likely cause: {causes}.").format(causes=likely))
    one, other = CONFIRM
    say_so = _("If it is your model, say so with {one} or {other} under model.")
    return " ".join([*sentences, say_so.format(one=one, other=other)])


def fit_table(fit: FitReport) -> Table:
    """List accuracy, majority, reference and recall of each class."""
    rows = [
        (_("accuracy, unseen records"), *_cells(fit.holdout)),
        (_("accuracy, training data"), *_cells(fit.train)),
        (
            _("always answering {answer}").format(answer=fit.majority_class),
            fmt.percent(fit.majority),
            "",
            "",
        ),
    ]
    if fit.reference is not None:
        model = _("reference: {model}").format(model=_(fit.reference_model))
        rows.append((model, fmt.percent(fit.reference), "", ""))
    classes = fit.recall
    if len(classes) > MOST_CLASSES:  # the lowest are those to look at
        known = [r for r in classes if r.accuracy is not None]
        lowest = sorted(known, key=lambda r: r.accuracy.value if r.accuracy else 0.0)
        classes = tuple(lowest[:MOST_CLASSES])
    for recall in classes:
        cells = _cells(recall.accuracy) if recall.accuracy else (_("no record"), "", "0")
        rows.append((_("recall of {name}").format(name=recall.name), *cells))
    head = (_("On labelled records"), _("Right"), _("95 % interval"), "n")
    return Table(_("Does the model fit its data?"), head, tuple(rows))


def examples_table(fit: FitReport) -> Table:
    """List three unseen records with their class and the answer of the model."""
    rows = tuple((e.record, e.label, e.answer) for e in fit.examples)
    head = (_("Record"), _("Class"), _("Answer of the model"))
    return Table(_("Three unseen records"), head, rows)


def _cells(accuracy: AccuracyEstimate) -> tuple[str, str, str]:
    value, interval = fmt.value_and_interval(
        accuracy.low, accuracy.high, accuracy.value, "accuracy"
    )
    return value, interval, fmt.count(accuracy.n)


def _with_interval(accuracy: AccuracyEstimate) -> str:
    value, interval, n = _cells(accuracy)
    return f"{value} ({interval}, n = {n})"
