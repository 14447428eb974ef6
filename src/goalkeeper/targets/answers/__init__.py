"""What a model returns, in whatever form, as answers: the one place that reads it.

`AnswerReader.decide` looks at the answers to many inputs and settles what they are; the reader it
returns is fixed, and reads every later batch the same way:

    raw = call_model(function, inputs, "the function predict")
    known = Declared(what="the function predict")
    reader = AnswerReader.decide(raw, len(inputs), classes, known)
    reader.offers  # View.LABELS, View.SCORES or View.LOGITS
    reader.sentence  # "the function predict answers with logits, one column a class"
    reader.read(raw, len(inputs))  # Answers
"""

from goalkeeper.targets.answers.classes import ClassIndex
from goalkeeper.targets.answers.entries import error_in
from goalkeeper.targets.answers.kinds import KINDS
from goalkeeper.targets.answers.labels import LabelReader
from goalkeeper.targets.answers.numbers import softmax
from goalkeeper.targets.answers.reader import AnswerReader, Declared, finite_numbers
from goalkeeper.targets.answers.unwrap import Returned, open_holders, unwrap

__all__ = [
    "KINDS",
    "AnswerReader",
    "ClassIndex",
    "Declared",
    "LabelReader",
    "Returned",
    "error_in",
    "finite_numbers",
    "open_holders",
    "softmax",
    "unwrap",
]
