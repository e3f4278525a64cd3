"""Who asks: the viewer whose token a request carries.

Invariant: every route but the schema runs with a viewer, and hands it on as the first argument of its one call.
"""

from django.http import HttpRequest
from ninja.security import HttpBearer

from postledger import clock
from postledger.accounts import operations, queries
from postledger.accounts.types import Viewer
from postledger.api import rate


class Token(HttpBearer):
    """`Authorization: Bearer pl_…`; a token that is unknown, expired or revoked is answered 401."""

    def authenticate(self, request: HttpRequest, token: str) -> Viewer | None:
        known = getattr(request, "auth", None)
        if known is not None:
            return known
        rate.count(token)
        now = clock.now()
        try:
            viewer = queries.viewer_of_token(token, now)
        except queries.NotVisible:
            return None
        operations.note_token_use(secret=token, now=now)
        return viewer


token = Token()


def viewer_of(request: HttpRequest) -> Viewer | None:
    """The viewer of a request; its token is looked up once."""
    if not hasattr(request, "auth"):
        request.auth = token(request)
    return request.auth
