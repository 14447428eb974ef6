"""The form of `model.http`: which keys there are, and what they mean."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from goalkeeper.describe.fields import Name, Names, Section, shorthand


class RefusalForm(Section):
    """What means that the service declines to answer."""

    answer: Name = Field(description="the class that counts as its answer then")
    status: tuple[int, ...] = Field(
        default=(), description="HTTP statuses that mean it, e.g. [451]"
    )
    field: str = Field(
        default="", description="path in the reply at which it says so, e.g. error.code"
    )
    values: Names = Field(
        default=(),
        description="texts that say so, at `field` or as an answer itself (default: whatever "
        "stands at `field`)",
    )


class HttpForm(Section):
    """A service that answers inputs over HTTP, in JSON."""

    model_config = ConfigDict(json_schema_extra=shorthand("url"))

    url: str = Field(
        min_length=1, description="where it is asked; ${NAME} stands for an environment variable"
    )
    method: Literal["POST", "PATCH"] = Field(
        default="POST", description="HTTP method: one that no client repeats by itself"
    )
    headers: dict[str, Name] = Field(
        default_factory=dict,
        description="headers of every request; secrets only as ${NAME}, from the environment",
    )
    certificates: str | None = Field(
        default=None,
        min_length=1,
        description="file with the certificates to trust, in PEM format (default: those of the "
        "system)",
    )
    request: Any = Field(
        default={"inputs": "{inputs}"},
        description="body of a request, as JSON, with a place for inputs: {inputs}, {rows} (by "
        "column) or {pngs} (base64) for a list of them; {input}, {row} or {png} for one: in a list "
        "with one entry, this entry is repeated",
    )
    response: str = Field(
        default="predictions",
        description="path to the answers in a reply, e.g. predictions[*].scores; each is a label, "
        "a list of scores, scores by class, or mappings with label and score",
    )
    refusal: RefusalForm | None = Field(
        default=None, description="what means that it declines to answer (default: nothing)"
    )
    batch: int | None = Field(
        default=None,
        ge=1,
        description="most inputs in a request (default: 32 where the body holds a list of inputs, "
        "else 1)",
    )
    concurrency: int = Field(default=8, ge=1, le=256, description="most requests in flight")
    rate: Name | None = Field(
        default=None,
        description="most requests in any second, minute, hour or day, e.g. 50 per second or 1000 "
        "per day (default: as fast as it answers)",
    )
    timeout: Name = Field(default="30 s", description="longest time for one request, e.g. 30 s")
    retries: int = Field(
        default=5,
        ge=0,
        le=20,
        description="how often a request is tried again after HTTP 429 or 5xx, a time-out, or a "
        "broken connection or reply",
    )
    budget: int | None = Field(
        default=None,
        ge=1,
        description="most requests that reach it in all processes of a run, tries included "
        "(default: no limit)",
    )
    price: Name | None = Field(
        default=None, description="price, e.g. 0.002 per request or 0.0001 per input (default: 0)"
    )
    cap: float | None = Field(
        default=None, gt=0, description="most money that a run may spend (default: no limit)"
    )
    cache: bool = Field(
        default=True,
        description="whether answers are kept in the run folder, so that no input is paid twice; "
        "turn it off for a service whose answers change on purpose",
    )
