"""Retrainings that do not depend on the attack: the same for all attacks of a task."""

from __future__ import annotations

from goalkeeper.core.application import Application
from goalkeeper.training.kept import KeptTrainings


def shared_trainings(app: Application) -> KeptTrainings | None:
    """Return what keeps the trainings of the application.

    None where a model depends on those that are trained beside it, so that clean ones cannot be
    trained without the others (`compares_models` of the trainer).
    """
    if getattr(app.trainer, "compares_models", False):
        return None
    return app.once(KeptTrainings)
