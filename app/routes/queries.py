"""Parameters of a query as one value, read only where there is a query."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

Query = TypeVar("Query", bound=BaseModel)


def read_query(kind: type[Query]) -> Callable[[Request], Awaitable[Query]]:
    """A dependency that reads the query of a request.

    FastAPI's own looks for every parameter in every request, which takes longer than all else that a route needs.

    Args:
        kind: The parameters; all of them can be left out.
    """
    nothing = kind()
    properties = kind.model_json_schema()["properties"]
    lists = {name for name, one in properties.items() if any("items" in choice for choice in one.get("anyOf", [one]))}

    async def read(request: Request) -> Query:
        if not request.scope["query_string"]:
            return nothing
        given = request.query_params
        values = {name: given.getlist(name) if name in lists else given[name] for name in given}
        try:
            return kind.model_validate(values)
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False)
            raise RequestValidationError([{**one, "loc": ("query", *one["loc"])} for one in found]) from None

    return read


def describe_query(kind: type[BaseModel]) -> dict[str, Any]:
    """How OpenAPI describes the parameters."""
    parameters = []
    for name, one in kind.model_json_schema()["properties"].items():
        schema = {key: value for key, value in one.items() if key != "default"}
        described = {"description": one["description"]} if "description" in one else {}
        parameters.append({"name": name, "in": "query", "required": False, "schema": schema, **described})
    return {"parameters": parameters}
