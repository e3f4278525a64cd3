"""The one way a request comes in: who asks, what time it is, and how refusals are answered.

Invariant: what the viewer may not see answers exactly as what does not exist, on every route.
"""

import datetime as dt
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from postledger import clock
from postledger.accounts import queries as accounts
from postledger.accounts.types import AccountView, Viewer
from postledger.catalog import queries as catalog
from postledger.connectors import contract
from postledger.core.errors import NeedsOperator, Refusal

OUTSIDE = (contract.TemporaryFailure, contract.PermanentFailure, NeedsOperator)


@dataclass
class Ask:
    """A request of somebody signed in."""

    request: HttpRequest
    viewer: Viewer
    own: AccountView
    now: dt.datetime

    @property
    def is_post(self) -> bool:
        return self.request.method == "POST"

    @property
    def data(self) -> Any:
        return self.request.POST if self.is_post else None

    def today(self, account: AccountView | None = None) -> dt.date:
        """The day it is in the billing time zone of an account's seller, as near as the viewer may know it."""
        return self.now.astimezone((account or self.own).zone).date()

    def account(self, account_id: int) -> AccountView:
        """The account, if the viewer may see it."""
        return accounts.account(self.viewer, account_id)

    def buyer(self, account_id: int) -> AccountView:
        """The account of a buyer; the provider buys nothing here, so his own is none."""
        found = self.account(account_id)
        if found.seller_id is None:
            raise Http404
        return found

    def selling_to(self, account_id: int) -> AccountView:
        """The account of somebody the viewer sells to; to everybody else there is none."""
        found = self.buyer(account_id)
        if found.id == self.own.id:
            raise Http404
        return found

    def require_seller(self) -> AccountView:
        """The viewer's own account, if it sells; to others the page does not exist."""
        if not self.own.is_seller:
            raise Http404
        return self.own

    def people(self, *account_ids: int) -> dict[str, str]:
        """The persons of accounts the viewer may see, and his own, as they stand in logs."""
        return {
            f"user {user.id}": user.email
            for account_id in {self.own.id, *account_ids}
            for user in accounts.users_of(self.viewer, account_id)
        }

    def page(self, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        """A page with what the frame around it needs."""
        frame = {"viewer": self.viewer, "own": self.own, "now": self.now}
        return render(self.request, template, {**frame, **context}, status=status)

    def done(self, words: str, to: str, **arguments: Any) -> HttpResponse:
        """On to another page, which says that it was done."""
        messages.success(self.request, words)
        return redirect(to, **arguments)

    def failed(self, words: str, to: str, **arguments: Any) -> HttpResponse:
        """On to another page, which says what went wrong."""
        messages.error(self.request, words)
        return redirect(to, **arguments)

    def tell(self, words: str) -> None:
        messages.info(self.request, words)


def page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A view that is given an `Ask`; for reading and for forms."""
    return _door(view, ["GET", "HEAD", "POST"])


def reading(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A view that changes nothing."""
    return _door(view, ["GET", "HEAD"])


def action(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A view that only changes something; what it refuses is told on the page the request came from."""
    return _door(view, ["POST"])


def _door(view: Callable[..., HttpResponse], methods: list[str]) -> Callable[..., HttpResponse]:
    @functools.wraps(view)
    def handle(request: HttpRequest, **arguments: Any) -> HttpResponse:
        try:
            viewer = accounts.viewer_of(request.user.pk)
            own = accounts.account(viewer, viewer.account_id)
            return view(Ask(request, viewer, own, clock.now()), **arguments)
        except (accounts.NotVisible, catalog.NoSuchPlan) as error:
            raise Http404 from error
        except (Refusal, *OUTSIDE) as error:
            if request.method != "POST":
                return render(request, "refused.html", {"words": str(error)}, status=403)
            messages.error(request, str(error))
            return redirect(_back(request))

    return login_required(require_http_methods(methods)(handle))


def _back(request: HttpRequest) -> str:
    """The page a refused request came from, if it is one of ours and not itself; else the start page."""
    came_from = request.headers.get("Referer", "")
    here = request.build_absolute_uri("/")
    if came_from.startswith(here) and came_from != request.build_absolute_uri():
        return came_from
    return "/"
