"""Routes whose function asks for what it needs itself: FastAPI takes longer to resolve that than it takes."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from app.routes.permissions import admit


class DirectRoute(APIRoute):
    """A route with a permission as its one dependency, whose function is given the request and gives the answer.

    The OpenAPI document describes it as any other.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Lets the caller in, and calls the function."""
        (permission,), answer = self.dependencies, self.endpoint

        async def handle(request: Request) -> Response:
            await admit(request, permission)
            answered: Response = await answer(request)
            return answered

        return handle
