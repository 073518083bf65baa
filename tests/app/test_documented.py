"""The OpenAPI document tells every problem that an operation can answer with."""

import pytest

from app.routes.documented import PROBLEM
from tests.app.conftest import serve


@pytest.fixture
def operations(settings):
    with serve(settings) as client:
        paths = client.get("/openapi.json").json()["paths"]
    return [(f"{method} {path}", one) for path, methods in paths.items() for method, one in methods.items()]


def codes(operation: dict, status: str) -> set[str]:
    found = operation["responses"].get(status, {}).get("content", {}).get("application/problem+json", {})
    return set(found.get("examples", ()))


def test_what_any_key_and_any_body_can_lead_to_is_told_of_every_route_that_has_them(operations):
    for label, one in operations:
        assert "url_too_long" in codes(one, "414"), label
        if "security" in one:
            assert codes(one, "401") == {"key_missing", "key_refused"}, label
            assert ("scope_missing" in codes(one, "403")) == bool(one["security"][0]["ApiKey"]), label
            assert "rate_exceeded" in codes(one, "429"), label
            assert "Retry-After" in one["responses"]["429"]["headers"], label
        if "requestBody" in one:
            assert "json_malformed" in codes(one, "400"), label
            assert "body_too_large" in codes(one, "413"), label
            assert "media_type_unsupported" in codes(one, "415"), label
            assert "request_invalid" in codes(one, "422"), label


def test_a_list_that_takes_a_cursor_tells_that_it_can_be_wrong(operations):
    lists = [(label, one) for label, one in operations if any(p["name"] == "cursor" for p in one.get("parameters", ()))]
    assert len(lists) >= 7
    for label, one in lists:
        assert codes(one, "400") == {"cursor_invalid"}, label


def test_every_example_of_a_problem_is_one(operations):
    shown = [
        (int(status), code, example["value"])
        for _, one in operations
        for status, response in one["responses"].items()
        for code, example in response.get("content", {}).get("application/problem+json", {}).get("examples", {}).items()
    ]
    assert len(shown) > 300
    for status, code, value in shown:
        assert (value["status"], value["code"]) == (status, code)
        assert set(PROBLEM["required"]) <= value.keys() <= PROBLEM["properties"].keys()


def test_a_problem_is_documented_by_its_status_and_its_codes(operations):
    for label, one in operations:
        for status, response in one["responses"].items():
            problem = response.get("content", {}).get("application/problem+json")
            assert problem or int(status) < 400, (label, status)
            if problem:
                narrowed = problem["schema"]["allOf"][1]["properties"]
                assert narrowed == {"status": {"const": int(status)}, "code": {"enum": sorted(problem["examples"])}}
                assert all(f"`{code}`" in response["description"] for code in problem["examples"])
