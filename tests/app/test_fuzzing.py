"""Requests made from the OpenAPI document itself, right and wrong ones, get the answers that it describes.

Ordinarily a few for each operation; `FUZZ_CASES=5000 make test ARGS="tests/app/test_fuzzing.py"` makes 5,000.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.python.asgi import get_client
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.server import create_app
from app.stores.datasets import Datasets
from app.stores.keyring import Keyring
from app.stores.references import PRODUCTION
from tests.app.conftest import make_panel

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

NUM_CASES = int(os.environ.get("FUZZ_CASES", "150"))
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


BODIES_COUNT = 3
"""An operation that takes a body is asked so much more often than one that takes none."""


@schemathesis.serializer("application/x-tar")
def as_bytes(context: Any, value: Any) -> bytes:
    """A bundle that is none, as bytes."""
    return value if isinstance(value, bytes) else str(value).encode()


@dataclass(frozen=True)
class Target:
    """An application with something in it, and what to call it with."""

    schema: Any
    headers: dict[str, str]
    known: dict[str, str | int]


@pytest.fixture
def target(settings, database, artifacts, registry, checkpoint) -> Iterator[Target]:
    registry.register("m", checkpoint)
    registry.register("m", checkpoint)
    registry.point_alias("m", PRODUCTION, 1, actor="test")
    dataset = Datasets(database, artifacts).add(make_panel())
    keyring = Keyring(database)
    # Some request will make a key, and from then on every one needs one.
    key = keyring.create("fuzzing", ("admin",), lifetime=None)
    keyring.close()
    open_settings = replace(
        settings, max_requests_per_minute=0, max_points_per_minute=0, max_horizon_steps=300, max_body_bytes=100_000
    )
    application = create_app(open_settings, lambda _: True)
    headers = {"Authorization": f"Bearer {key.text}"}
    training = {"model": "n", "dataset": dataset.id}
    job = get_client(application).post("/v1/training-jobs", json=training, headers=headers).json()
    yield Target(
        schemathesis.openapi.from_asgi("/openapi.json", application),
        headers,
        {"name": "m", "number": 1, "alias": PRODUCTION, "dataset_id": dataset.id, "job_id": job["id"]},
    )
    application.state.resources.close()


def cases(operation: Any, known: dict[str, str | int]) -> st.SearchStrategy[Any]:
    """Right and wrong requests of an operation, half of them to what is there."""
    made = st.one_of(
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    ).filter(leads_to_its_route)

    return st.builds(lambda case, is_known: place(case, known) if is_known else case, made, st.booleans())


def place(case: Any, known: dict[str, str | int]) -> Any:
    """The request, made about what is there."""
    case.path_parameters = {name: known.get(name, value) for name, value in (case.path_parameters or {}).items()}
    if isinstance(case.body, dict) and "model" in case.body:
        case.body["model"] = known["name"]
        case.body["series"] = [{"dataset": known["dataset_id"]}]
    return case


def leads_to_its_route(case: Any) -> bool:
    """Whether no part of the path makes it the path of something else."""
    return all(
        str(one).strip(".") and not set("/\\?#%") & set(str(one)) for one in (case.path_parameters or {}).values()
    )


def test_every_answer_is_one_that_the_interface_describes(target):
    operations = [one.ok() for one in target.schema.get_all_operations()]
    weights = [BODIES_COUNT if "requestBody" in one.definition.raw else 1 for one in operations]
    for operation, weight in zip(operations, weights, strict=True):
        ask(operation, target, num_cases=-(-NUM_CASES * weight // sum(weights)))


def streams_events(operation: Any) -> bool:
    """Whether an operation may answer for as long as there is something to tell."""
    responses = operation.definition.raw["responses"]
    return any("text/event-stream" in one.get("content", {}) for one in responses.values())


def ask(operation: Any, target: Target, *, num_cases: int) -> None:
    # The job is followed for as long as it lives, and nobody works on it here: what came until then is looked at.
    patience = 0.7 if streams_events(operation) else 120

    @hypothesis.settings(
        max_examples=num_cases, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    @hypothesis.given(cases(operation, target.known))
    def answered(case: Any) -> None:
        case.headers = {**(case.headers or {}), **target.headers}
        response = case.call(timeout=patience)
        assert response.status_code < 500, (case.as_curl_command(), response.text)
        case.validate_response(response, checks=CHECKS)
        if response.status_code >= 400:
            assert response.headers["content-type"] == ["application/problem+json"]

    answered()
