# SPDX-License-Identifier: Apache-2.0
"""A small portal: the log-in page that takes a posted user name and password, and the home page behind it."""

from __future__ import annotations

import html
import secrets
import threading
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

from postledger_sandbox.control.log import CallLog
from postledger_sandbox.rules import rights
from postledger_sandbox.services import authentication
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import SUPERVISOR, Call, Caller, World
from postledger_sandbox.wire.http import Request, Response

COOKIES = {"W": ".WEBSITEPANELPORTALAUTHASPX", "S": ".SolidCPPORTALAUTHASPX", "F": ".FuseCPPORTALAUTHASPX"}
TICKET_S = 30 * 60
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem;color:#1d2733}"
    "form{display:grid;gap:.8rem;max-width:20rem}label{display:grid}input,button{font:inherit;padding:.4rem .6rem}"
    "[role=alert]{color:#a3201a}"
)
REFUSALS = {
    -109: "Wrong username.",
    -110: "Wrong password.",
    -103: "Your account is pending.",
    -105: "Your account has been cancelled.",
    -114: "Your login has been disabled.",
    -115: "Your account is locked out.",
}


class Portal:
    """Tickets live in memory: a restart signs everybody out."""

    def __init__(self, world: World, log: CallLog) -> None:
        self.world = world
        self.log = log
        self.cookie = COOKIES[world.options.dialect]
        self._tickets: dict[str, tuple[int, float]] = {}
        self._waiting: dict[str, int] = {}
        self._lock = threading.Lock()

    def answer(self, request: Request) -> Response:
        page = request.query.get("pid", "Home").lower()
        if page == "login":
            return self._login(request)
        if page == "pin":
            return self._pin(request)
        if page == "logout":
            return self._redirect("Default.aspx?pid=Login", cookie="")
        return self._home(request)

    # Log-in

    def _login(self, request: Request) -> Response:
        given = {**_cookies(request), **request.query, **request.form}
        username = given.get("user") or given.get("u")
        password = given.get("password") or given.get("pwd") or given.get("p")
        if not username or not password:
            return self._page("Sign in", self._login_form(), "")
        with self.world.lock:
            call = Call(self.world, SUPERVISOR, "portal", "Login")
            code = authentication.check(call, username, password)
            self.world.store.commit()
        self.log.add(
            service="portal",
            operation="Login",
            caller=username,
            arguments={"user": username, "password": password, "method": request.method},
            result=code,
            fault="",
            status=200 if code < 0 else 302,
            injected="",
            took_ms=0.0,
        )
        if code < 0:
            return self._page("Sign in", self._login_form(), REFUSALS.get(code, "You cannot sign in."))
        user = self.world.store.users.first("Username", username)
        assert user is not None
        if code == authentication.ONE_TIME:
            text = "<p>You signed in with a one-time password. Please change it.</p>"
            return self._page("Change password", text, "")
        if code == authentication.SECOND_FACTOR:
            return self._ask_pin(user)
        return self._redirect(self._target(given), cookie=self._ticket(user))

    def _target(self, given: dict[str, str]) -> str:
        """Where to go after log-in: the page asked for, when it is one of ours, or home."""
        wanted = given.get("returnurl", "")
        is_local = not urlsplit(wanted).netloc and not wanted.startswith("//") and "\\" not in wanted
        if wanted and (is_local or self.world.options.dialect == "W"):
            return wanted
        return "Default.aspx?pid=Home"

    def _ask_pin(self, user: Row) -> Response:
        token = secrets.token_urlsafe(16)
        self._waiting[token] = user["UserId"]
        form = (
            "<p>Enter the PIN of your second factor.</p>"
            '<form method="post" action="Default.aspx?pid=Pin"><input name="pin" autocomplete="one-time-code">'
            f'<input type="hidden" name="token" value="{token}"><button>Continue</button></form>'
        )
        return self._page("Second factor", form, "")

    def _pin(self, request: Request) -> Response:
        form = request.form
        user_id = self._waiting.pop(form.get("token", ""), None)
        user = self.world.store.users.get(user_id or 0)
        if user is None or form.get("pin") != authentication.PIN:
            return self._page("Sign in", self._login_form(), "Wrong PIN.")
        return self._redirect("Default.aspx?pid=Home", cookie=self._ticket(user))

    def _ticket(self, user: Row) -> str:
        ticket = secrets.token_hex(64).upper()
        with self._lock:
            self._tickets[ticket] = (user["UserId"], self.world.clock.time() + TICKET_S)
        return ticket

    def signed_in(self, request: Request) -> Row | None:
        """The user whose ticket the request carries; using a ticket renews it."""
        ticket = _cookies(request).get(self.cookie.lower(), "")
        with self._lock:
            user_id, until = self._tickets.get(ticket, (0, 0.0))
            if until < self.world.clock.time():
                return None
            self._tickets[ticket] = (user_id, self.world.clock.time() + TICKET_S)
        return self.world.store.users.get(user_id)

    # Home

    def _home(self, request: Request) -> Response:
        viewer = self.signed_in(request)
        if viewer is None:
            return self._redirect("Default.aspx?pid=Login")
        call = Call(self.world, Caller(viewer), "portal", "Home")
        wanted = request.query.get("userid", "")
        user = self.world.store.users.get(int(wanted)) if wanted.isdigit() else viewer
        if user is None or not rights.sees_user(call, user):
            return self._page("Home", "<p>You are not allowed to access this account.</p>", "")
        with self.world.lock:
            body = self._account(viewer, user)
        return self._page("Home", body, "")

    def _account(self, viewer: Row, user: Row) -> str:
        store = self.world.store
        parts = [
            f'<p id="signed-in">Signed in as <b>{_text(viewer["Username"])}</b></p>',
            f"<h2>{_text(user['Username'])}</h2>",
        ]
        for package in store.packages.find("UserId", user["UserId"]):
            parts.append(f"<h3>{_text(package['PackageName'])} (space {package['PackageId']})</h3><ul>")
            for organization in store.organizations.find("PackageId", package["PackageId"]):
                count = store.accounts.count("ItemId", organization["Id"])
                parts.append(
                    f"<li>{_text(organization['Name'])} ({_text(organization['OrganizationId'])}):"
                    f" {count} accounts</li>"
                )
            parts.append("</ul>")
        parts.append('<p><a href="Default.aspx?pid=Logout">Sign out</a></p>')
        return "".join(parts)

    # Pages

    def _login_form(self) -> str:
        return (
            '<form method="post" action="Default.aspx?pid=Login"><label>User <input name="user" autocomplete="username"></label>'
            '<label>Password <input name="password" type="password" autocomplete="current-password"></label><button>Sign in</button></form>'
        )

    def _page(self, title: str, body: str, message: str) -> Response:
        product = {"W": "WebsitePanel", "S": "SolidCP", "F": "FuseCP"}[self.world.options.dialect]
        note = f'<p role="alert">{_text(message)}</p>' if message else ""
        text = (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} - {product} sandbox</title>'
            f"<style>{STYLE}</style>"
            f"</head><body><h1>{title}</h1>{note}{body}</body></html>"
        )
        headers = [("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "private")]
        return Response(headers=headers, body=text.encode())

    def _redirect(self, location: str, *, cookie: str | None = None) -> Response:
        if not location.startswith(("/", "http://", "https://")):
            location = f"/portal/{location}"
        headers = [("Location", location), ("Content-Type", "text/html; charset=utf-8")]
        if cookie is not None:
            headers.append(("Set-Cookie", f"{self.cookie}={cookie}; path=/; HttpOnly"))
        return Response(302, "Found", headers, b"<html><body>Object moved.</body></html>")


def _text(value: object) -> str:
    return html.escape(str(value or ""))


def _cookies(request: Request) -> dict[str, str]:
    jar: SimpleCookie = SimpleCookie()
    jar.load(request.headers.get("cookie", ""))
    return {name.lower(): morsel.value for name, morsel in jar.items()}
