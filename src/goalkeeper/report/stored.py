"""Texts that a run stores in English, and that the first pages of a report in German need.

Each is the template of a text that some module writes into an assessment; `retell` recognises what
was made from it. Whatever is not listed stays in English.
"""

from __future__ import annotations

from goalkeeper.report.language import N_, _, retell

# How far inputs could be changed: games/evasion.
THREATS = (
    N_("with at most {n} words added"),
    N_("with at most {n} words respelt or replaced"),
    N_("with at most {n} pixel changed"),
    N_("with at most {n} pixels changed"),
    N_("with at most {n} column changed, {more}"),
    N_("with at most {n} columns changed, {more}"),
    N_("with at most {n} column changed"),
    N_("with at most {n} columns changed"),
    N_("at Linf {radius}"),
    N_("at L2 {radius}"),
)

# Why something is open, or was not run: rate/_words.py, planning and games.
REASONS = (
    N_(
        "Not met: {attack} by {attacker} succeeds with attack potential {cost}; everything "
        "below {required} must be withstood."
    ),
    N_(
        "Met: none of the {n} tested attacks reaches exposure level {level} below attack "
        "potential {required}; this holds for the tested portfolio."
    ),
    N_(
        "Met: the one tested attack does not reach exposure level {level} below attack "
        "potential {required}; this holds for the tested portfolio."
    ),
    N_("Met: {reason}. Every attack is ruled out by this check."),
    N_("Inconclusive: no attack was tested."),
    N_(
        "Inconclusive: no attack below attack potential {required} was shown to reach "
        "exposure level {level}, but it is not excluded for {names}."
    ),
    N_("Not assessed: no protection need was declared."),
    N_(
        "too close to the limit; even a sample {factor} times as large is not expected to settle it"
    ),
    N_(
        "too little data; about {factor} times the sample ({records} records a side) would "
        "settle it at the same rate"
    ),
    N_("too little data; about {factor} times the sample would settle it at the same rate"),
    N_("too little data; a larger sample would settle it"),
    N_("stopped by the time limit"),
    N_("tested, but without a result"),
    N_("no attack was tested"),
    N_("no protection need was declared"),
    N_("the same attack by an attacker with more power was withstood"),
    N_(
        "the attack did not even break a deliberately weakened version of this application, "
        "so its low success proves nothing ({numbers})"
    ),
    N_(
        "the attack did not even break a deliberately weakened version of this application, "
        "so its low success proves nothing"
    ),
    N_(
        "random changes of equal size break {random} of {n} inputs, and the attack {attack}: "
        "it did not search"
    ),
    N_(
        "no stored file of the model is described (model.file or model.weights), so whether "
        "a changed one would be noticed was not tried"
    ),
    N_(
        "the description does not say whether the application learns from feedback; describe "
        "the loop (feedback: ...), or state that there is none (feedback: none)"
    ),
    N_("only {n} inputs{kind} to choose from, fewer than {least}; give more holdout data"),
    N_(
        "too little data is inconclusive: with this few trials even a perfect attack would "
        "not differ significantly from the no-model baseline; provide more data"
    ),
    N_(
        "an attacker's own similar data already show {k} of {n} differences between class "
        "averages ({share}) in the right direction, so that the model has at most the rest "
        "to add"
    ),
    N_(
        "it is not known which person a record belongs to; name the column in the "
        "description (data.person), or say that nobody has two records (threats.linkage)"
    ),
    N_("the column {column} names another person for each record, so that nobody has two to link"),
    N_("no column is declared sensitive; name those that are as `data.sensitive`"),
    N_("no property is declared; name what must stay private under threats.properties"),
    N_(
        "the data suffice for training sets of {n} records with shares of {low} and {high}, "
        "fewer than {least}; declare shares nearer to each other, or give more data"
    ),
    N_("the description states that answers do not leave the program that runs the model"),
    N_("the model takes a text and nothing else, so there is no column to hide and to guess"),
    N_(
        "the training has no {what} that changes the result: two trainings that differ in it gave "
        "the same model"
    ),
    N_("the stored model has no list of words"),
    N_("the stored model has no {what}"),
    N_("reactions follow from the class alone, as described, so scores change nothing"),
    N_("applies only to {kind} inputs"),
    N_("goalkeeper has no attack of this variant for {kind} inputs yet; {why}"),
    N_(
        "costs this attacker an attack potential of {cost} or more, and only attacks below "
        "{required} decide; --exhaustive runs it"
    ),
    N_("already shown not to be met: {goals}; --exhaustive runs it"),
    N_("counts for no verdict ({why}); --all runs it"),
)

# What is filled in to the reasons above.
WHAT = (
    N_("support vectors"),
    N_("leaves of a decision tree"),
    N_("records of a nearest-neighbour model"),
    N_("seed"),
    N_("order of records"),
    N_(" that are not benign"),
    N_("text"),
    N_("table"),
    N_("image"),
)

# A status in front of a reason.
STATED = (
    N_("not tested: {reason}"),
    N_("failed to run: {reason}"),
    N_("control failed: {reason}"),
    N_("excluded: {reason}"),
    N_("inconclusive: {reason}"),
)


def retell_threat(threat: str) -> str:
    """Write in the language that is spoken how far inputs could be changed."""
    return retell(threat, THREATS)[0]


def retell_reason(reason: str) -> str:
    """Write a reason in the language that is spoken, with the statuses in front of it."""
    for template in STATED:
        head = template.partition("{")[0]
        if reason.startswith(head):
            return _(template).format(reason=retell_reason(reason.removeprefix(head)))
    return retell(reason, REASONS)[0]
