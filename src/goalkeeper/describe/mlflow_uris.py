"""Models that MLflow knows by a URI."""

from __future__ import annotations

import os
import re
from pathlib import Path

from goalkeeper.core.errors import MissingExtra, TargetError

RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"  # seven by default, which take minutes
URI = re.compile(r"(?:models|runs):/")


def is_uri(name: str) -> bool:
    """Tell whether a name is a URI of MLflow: `models:/NAME/VERSION` or `runs:/ID/PATH`."""
    return bool(URI.match(name))


def download(uri: str) -> Path:
    """Return the folder of a model, downloaded where MLflow keeps it elsewhere.

    Raises
    ------
    MissingExtra
        MLflow is not installed.
    TargetError
        MLflow does not know the model, or cannot be reached.
    """
    try:
        import mlflow.artifacts
    except ImportError as error:
        raise MissingExtra("mlflow", "mlflow") from error
    few = RETRIES not in os.environ
    if few:
        os.environ[RETRIES] = "1"
    try:
        return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri))
    except Exception as error:  # of MLflow, of its server, of the network
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise TargetError(f"MLflow cannot get {uri}: {lines[0][:300]}") from error
    finally:
        if few:
            os.environ.pop(RETRIES, None)  # another thread may have taken it away
