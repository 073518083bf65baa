import asyncio
from collections.abc import Iterator

import orjson
import pytest
from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

import app.cli.options
import app.server  # noqa: F401 - defines every error of the service
from app.schemas.forecasts import ForecastRequest
from app.web.problems import RULES, answer_problem, problem_response, rule_of, to_problem
from model import ForecastingError, SeriesTooShort


def leaves(kind: type[ForecastingError] = ForecastingError) -> Iterator[type[ForecastingError]]:
    children = kind.__subclasses__()
    if not children:
        yield kind
    for child in children:
        yield from leaves(child)


@pytest.mark.parametrize("kind", sorted(set(leaves()), key=lambda kind: kind.__name__))
def test_no_leaf_of_the_error_trees_is_unmapped(kind):
    if kind.__module__.split(".")[0] in ("app", "model"):
        assert kind in RULES


def test_every_rule_has_a_status_of_an_error_and_a_title():
    assert all(400 <= rule.status < 600 and rule.title for rule in RULES.values())


def test_an_error_nobody_mapped_is_answered_by_its_nearest_kind():
    class Odd(SeriesTooShort):
        pass

    assert rule_of(Odd) == RULES[SeriesTooShort]
    assert rule_of(ForecastingError).status == 500


def test_a_refusal_tells_what_was_found_and_what_to_do():
    response = problem_response(to_problem(SeriesTooShort("a", 1, 2, "a forecast")), "req_1")
    content = orjson.loads(response.body)
    assert response.status_code == 422
    assert response.media_type == "application/problem+json"
    assert content["type"] == "urn:longshot:problem:series_too_short"
    assert content["code"] == "series_too_short"
    assert content["item_id"] == "a"
    assert content["request_id"] == "req_1"
    assert content["hint"]
    assert "pointer" not in content


def refusal(body: bytes, kind: type[BaseModel] = ForecastRequest) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        kind.model_validate_json(body)
    return caught.value


def test_malformed_json_is_a_400():
    problem = to_problem(refusal(b'{"model": '))
    assert (problem.status, problem.code) == (400, "json_malformed")


def test_a_wrong_field_is_pointed_at_and_never_echoed():
    secret = "s3cret" * 10_000
    body = {"model": "m", "series": [{"start": "2026-01-01", "freq": "h", "target": [1, secret]}], "horizon": {}}
    problem = to_problem(refusal(orjson.dumps(body)))
    assert problem.status == 422
    assert [one.pointer for one in problem.errors] == ["/horizon", "/series/0/target/1"]
    assert "s3cret" not in repr(problem)


def test_pointers_are_escaped_short_and_few():
    body = {"model": "m", "series": [], "horizon": {"steps": 1}} | {f"a/b~{n}" + "x" * 5000: 1 for n in range(50)}
    problem = to_problem(refusal(orjson.dumps(body)))
    assert problem.errors is not None
    assert len(problem.errors) == 10
    assert any(fault.pointer.startswith("/a~1b~0") for fault in problem.errors)
    assert len(repr(problem)) < 5000


def test_what_nobody_foresaw_is_a_500_that_tells_nothing():
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": [], "state": {"request_id": "req_9"}})
    response = asyncio.run(answer_problem(request, RuntimeError("password=hunter2")))
    assert response.status_code == 500
    assert b"hunter2" not in response.body
    assert b"req_9" in response.body


def test_a_plain_http_error_is_a_problem_too():
    problem = to_problem(HTTPException(404))
    assert (problem.type, problem.status, problem.code) == ("about:blank", 404, "not_found")
