"""A Python function of the user that answers: a black box."""

from __future__ import annotations

from goalkeeper.describe.kinds.base import KeyKind, Model, ModelContext
from goalkeeper.describe.references import References

RETRIES = 2


class PythonFunction(KeyKind):
    """`model.function`: a function that answers a batch of inputs."""

    key = "function"
    about = "Python function `file.py:name`: inputs to classes (n,) or scores (n, classes)"

    def check(self, value: str, references: References) -> None:
        """Find the function without running its file."""
        references.locate(("model", self.key), value)

    def load(self, value: str, context: ModelContext) -> Model:
        """Wrap the function."""
        from goalkeeper.targets import PythonTarget
        from goalkeeper.targets._retrying import RetriedFunction

        found = context.references.function(("model", self.key), value)
        retries = RETRIES if context.form.retries is None else context.form.retries
        target = PythonTarget(
            RetriedFunction(found, retries),
            context.classes,
            context.domain,
            sample=context.sample,
            declared=context.declared(f"the function {value}"),
        )
        return Model(
            target=target,
            trainer=None,
            domain=context.domain,
            compute=context.cpu_settings,
            caveats=(
                "the model is a function: attacks that retrain it or read it cannot be tested",
            ),
        )
