"""assessment.json, and the JSON Schema it is published with."""

from __future__ import annotations

from typing import Any

from goalkeeper.core.assessment import SCHEMA_VERSION, Assessment

DIALECT = "https://json-schema.org/draft/2020-12/schema"
IDENTITY = f"urn:goalkeeper:assessment:{SCHEMA_VERSION}"


def render_json(assessment: Assessment) -> bytes:
    """Return the bytes of assessment.json, private exhibits included."""
    return assessment.to_json().encode()


def schema() -> dict[str, Any]:
    """Return the JSON Schema of assessment.json."""
    body = Assessment.model_json_schema(by_alias=True, mode="serialization")
    body.pop("title", None)
    body.pop("description", None)
    return {
        "$schema": DIALECT,
        "$id": IDENTITY,
        "title": f"goalkeeper assessment, schema version {SCHEMA_VERSION}",
        "description": (
            "What goalkeeper found about the security of one AI application: the verdict on each "
            "goal, the attackers, the plan, the evidence and the advice. Infinities are written "
            'as "inf" and "-inf".'
        ),
        **body,
    }
