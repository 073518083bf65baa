"""Signing a browser in with an API key, and out."""

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from app.errors import CallerNotLocal, KeyRefused
from app.routes.bodies import answer, read_json
from app.routes.permissions import identify
from app.routes.resources import Service
from app.schemas.sessions import SignInRequest, from_session
from app.sessions import COOKIE, key_of_session
from app.web.security import why_from_page

router = APIRouter(prefix="/session", tags=["sessions"], include_in_schema=False)


@router.get("")
def get_session(request: Request, service: Service) -> Response:
    """Who this browser is signed in as, if at all, and whether it has to be."""
    text = key_of_session("GET", request.headers, request.cookies)
    needed = service.keyring.are_needed()
    if not needed or text is None:
        return answer(from_session(keys_needed=needed, key=None, text=None))
    try:
        return answer(from_session(keys_needed=True, key=identify(request, service, text), text=text))
    except KeyRefused as error:
        return answer(from_session(keys_needed=True, key=None, text=None, refused=error.detail))


@router.post("")
async def post_session(request: Request, service: Service) -> Response:
    """Keeps a key that opens something in a cookie of this browser."""
    # Otherwise a page of another site could sign its reader in as somebody else.
    reason = why_from_page(request.headers, "")
    if reason is not None:
        raise CallerNotLocal(reason)
    text = SignInRequest.model_validate_json(await read_json(request)).key.strip()
    key = await run_in_threadpool(identify, request, service, text)
    response = answer(from_session(keys_needed=True, key=key, text=text))
    response.set_cookie(COOKIE, text, httponly=True, samesite="strict", secure=request.url.scheme == "https")
    return response


@router.delete("", status_code=204)
def delete_session(response: Response) -> None:
    """Forgets the key of this browser."""
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
