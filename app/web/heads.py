"""HEAD is answered as GET would be, without a body: load balancers and monitors ask so."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadAsGet:
    """Answers HEAD with the head of what GET would answer.

    Args:
        app: The application behind it, which knows GET alone.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, with a `send` that leaves out the body."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            # The answer ends with its head, so that a stream that would not end is broken off.
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b""})

        # The server is left its own scope: what it sends for HEAD has no body, whatever the length says.
        await self._app({**scope, "method": "GET"}, receive, without_body)
