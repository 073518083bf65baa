"""The OpenAPI document: what FastAPI reads off the routes, with the bodies they read themselves and every problem."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.probes import PROBES
from app.routes.bodies import request_schemas
from app.routes.documented import PROBLEM, document

_METHODS: Final = ("get", "post", "put", "patch", "delete")


def describe(application: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of an application, made once."""
    if application.openapi_schema is None:
        application.openapi_schema = _make(application)
    return application.openapi_schema


def _make(application: FastAPI) -> dict[str, Any]:
    schema = get_openapi(
        title=application.title, version=application.version, summary=application.summary, routes=application.routes
    )
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(request_schemas() | {"Problem": PROBLEM})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for path, operations in schema["paths"].items():
        for method in operations.keys() & set(_METHODS):
            document(operations[method], is_bounded=path not in PROBES)
    return schema
