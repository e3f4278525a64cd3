"""Calls to one Enterprise Server: credentials, time, width, faults and the log of changes.

Invariant: an operation runs with all its parameters in the order the server declares, never with one the server does
not know, and its negative results and faults leave here as one of our own exceptions. Nothing that changes something is
sent twice.
"""

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from postledger.connectors import contract, transport
from postledger.connectors.wsp import codes, soap, wsdl
from postledger.connectors.wsp.settings import Settings

USERS = "esUsers"
PACKAGES = "esPackages"
SERVERS = "esServers"
ORGANIZATIONS = "esOrganizations"
EXCHANGE = "esExchangeServer"
BLACKBERRY = "esBlackBerry"
OCS = "esOCS"
LYNC = "esLync"
SFB = "esSfB"
AUTHENTICATION = "esAuthentication"
TASKS = "esTasks"

_UNGUARDED = frozenset({ORGANIZATIONS, OCS, LYNC, SFB})
"""Services that ignore HTTP credentials in the older generations; without a token their caller is nobody, and nobody
is the administrator there."""

_READS = ("Get", "Check", "UserExists", "Authenticate", "Search", "Calculate")
_HIDDEN = ("password", "pwd", "pin", "token", "secret")
_CREDENTIALS_OUTER = "http://fusecp.com/headers/Credentials"
_CREDENTIALS_INNER = "http://fusecp/credentials"
_ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"

_DOWN = (502, 503, 504)

_OVERTAKEN_S = 0.1
_OVERTAKEN_TIMES = 10
BREAKER_FAILURES = 5
BREAKER_OPEN_S = 30.0


class Missing(contract.PermanentFailure):
    """The server's release has no such operation or parameter."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="not_supported")


class Patience(Protocol):
    """How long calls may last that are made in a hurry."""

    def limit(self, timeout_s: float, *, usual_s: float) -> float:
        """Seconds for a call that is about to be made.

        Args:
            timeout_s: what it would have otherwise.
            usual_s: how long calls take here; 0 when none was answered yet.
        """
        ...


class Client:
    """A session with one server, for use from several threads.

    Args:
        audit: told of every call that changes something.
    """

    def __init__(self, *, settings: Settings, audit: contract.Audit) -> None:
        self.settings = settings
        self._audit = audit
        try:
            self._transport = transport.Transport(base_url=settings.url, verify_tls=settings.verify_tls)
        except ValueError as error:
            raise contract.PermanentFailure(
                f"The Enterprise Server URL is {error}.", reason="bad_url"
            ) from None
        self._basic = transport.basic(username=settings.username, password=settings.password)
        self._width = threading.BoundedSemaphore(max(1, settings.concurrency))
        self._breaker = Breaker(failures=settings.concurrency)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._interfaces: dict[str, wsdl.Interface | None] = {}
        self._loading: dict[str, threading.Lock] = {}
        self._suffix: str | None = None
        self._answered = 0
        self._usual_s = 0.0
        self._last_answer = time.monotonic()
        self._local = threading.local()
        self.token_refused = False
        self.is_token_used = False

    # --- what the server can do -------------------------------------------------------------------------------------

    def interface(self, service: str) -> wsdl.Interface | None:
        """What a service declares, or `None` when the release has no such service."""
        with self._lock:
            if service in self._interfaces:
                return self._interfaces[service]
            gate = self._loading.setdefault(service, threading.Lock())
        with gate:
            with self._lock:
                if service in self._interfaces:
                    return self._interfaces[service]
            found = self._load(service)
            with self._lock:
                self._interfaces[service] = found
            return found

    def _load(self, service: str) -> wsdl.Interface | None:
        if self._suffix is None and service != USERS:
            self.interface(USERS)
        suffixes = (self._suffix,) if self._suffix is not None else (".asmx", "")
        for suffix in suffixes:
            answer = self._http(
                "GET", f"/{service}{suffix}?wsdl", {}, None, self.settings.timeout_s, repeatable=True
            )
            if answer.status == 200:
                try:
                    found = wsdl.read(document=answer.body, fetch=self._fetch)
                except soap.Unreadable:
                    if self._suffix is not None:
                        return None
                    continue
                self._suffix = suffix
                return found
            if answer.status in (429, *_DOWN):
                raise self._unavailable(answer)
        if self._suffix is not None:
            return None
        raise contract.PermanentFailure(
            f"{self.settings.url} answers, but not as an Enterprise Server. Check address and port.",
            reason="no_platform",
        )

    def _fetch(self, place: str) -> bytes:
        path = (
            place[len(self.settings.url.rstrip("/")) :]
            if place.startswith(self.settings.url.rstrip("/"))
            else ""
        )
        if not path and "?" in place:
            path = "/" + place.split("://", 1)[-1].partition("/")[2]
        answer = self._http("GET", path, {}, None, self.settings.timeout_s, repeatable=True)
        if answer.status != 200:
            raise soap.Unreadable(f"part of the interface is missing: {place}")
        return answer.body

    def has(self, service: str, operation: str, parameter: str = "") -> bool:
        """True when the server declares the operation, and the parameter if one is named."""
        interface = self.interface(service)
        if interface is None or operation not in interface.operations:
            return False
        return not parameter or interface.operations[operation].takes(parameter)

    @property
    def is_newest(self) -> bool:
        """True for the generation that is no longer ASP.NET: other addresses, and a credentials header of its own."""
        self.interface(USERS)
        return self._suffix == ""

    # --- calls ------------------------------------------------------------------------------------------------------

    def call(
        self, service: str, operation: str, /, *, what: str, slow: bool = False, **parameters: Any
    ) -> Any:
        """The result element of an operation, or `None` for null.

        Args:
            what: the thing worked on, for messages.
            slow: the operation may take minutes.
            parameters: by the server's names; one that is not given is sent as null, 0 or false. A name ending in `_`
                stands for one that is only sent where the release knows it.
        Raises:
            Missing: no such operation, or a parameter that is not optional is unknown.
            TemporaryFailure, PermanentFailure, NeedsOperator, PlatformRefusal: as `codes` says.
        """
        interface = self.interface(service)
        declared = interface.operations.get(operation) if interface is not None else None
        if declared is None:
            raise Missing(f"This release of the platform has no {service}.{operation}.")
        members = _members(declared, parameters)
        return self._send(service, declared, members, what, slow)

    def _send(
        self, service: str, declared: wsdl.Operation, members: list[tuple[str, Any]], what: str, slow: bool
    ) -> Any:
        changes = not declared.name.startswith(_READS)
        timeout_s = self.settings.slow_timeout_s if slow else self.settings.timeout_s
        number = 0
        while True:
            header, with_token = self._header(service)
            body = soap.envelope(
                namespace=declared.namespace,
                operation=declared.name,
                members=members,
                header=header,
                item_namespace=_ARRAYS if self.is_newest else declared.namespace,
            )
            started = time.monotonic()
            if changes and not number:
                number = next(self._numbers)
                self._note(number, service, declared, members, {}, started, "sent", "")
            try:
                answer = self._http(
                    "POST",
                    f"/basic/{service}" if self.is_newest else f"/{service}{self._suffix}",
                    {
                        "Content-Type": "text/xml; charset=utf-8",
                        "SOAPAction": f'"{declared.action}"',
                        "Authorization": self._basic,
                    },
                    body,
                    timeout_s,
                    repeatable=not changes,
                )
                element = self._result(answer, declared, what)
            except soap.Fault as error:
                if with_token and error.is_security:
                    self._prove(what)
                    with self._lock:
                        self.token_refused = True
                    continue
                if changes:
                    outcome: contract.Outcome = "refused" if codes.did_not_run(error) else "unknown"
                    self._note(number, service, declared, members, {}, started, outcome, error.text)
                raise codes.fault(error=error, what=what) from None
            except contract.Failure as error:
                if changes:
                    outcome = "failed" if isinstance(error, contract.PermanentFailure) else "unknown"
                    self._note(number, service, declared, members, {}, started, outcome, error.message)
                raise
            if with_token:
                self.is_token_used = True
            if changes:
                code = _code(element)
                outcome = "refused" if code is not None and code < 0 else "done"
                self._note(number, service, declared, members, _answer_texts(element), started, outcome, "")
            return element

    def _prove(self, what: str) -> None:
        """Nothing, when our credentials are right.

        Only then may a service that would take anybody for its administrator be called without them.

        Raises:
            PermanentFailure: reason `credentials`.
        """
        name = self.settings.username
        if self.record(USERS, "GetUserByUsername", what=what, username=name) is None:
            raise contract.PermanentFailure(
                f"The platform does not show us our own login {name}. Correct the connection.",
                reason="credentials",
            )

    def _result(self, answer: transport.Answer, declared: wsdl.Operation, what: str) -> Any:
        if answer.status == 401:
            raise contract.PermanentFailure(
                "The platform refuses our user name or password. Correct the connection.",
                reason="credentials",
            )
        if answer.status in (429, *_DOWN):
            raise self._unavailable(answer)
        if answer.status in (301, 302, 303, 307, 308):
            raise contract.PermanentFailure(
                "The platform sends us to another address, which is not followed. Enter the final address in the connection.",
                reason="redirected",
            )
        if answer.status not in (200, 500):
            raise contract.PermanentFailure(
                f"The platform answers HTTP {answer.status} instead of SOAP. Check address and port.",
                reason="http_error",
            )
        try:
            element = soap.result(body=answer.body, operation=declared.name)
        except soap.Unreadable as error:
            raise contract.TemporaryFailure(
                f"The platform's answer about {what} could not be read: {error}", reason="unreadable_answer"
            ) from None
        if answer.status != 200:
            raise contract.TemporaryFailure(
                f"The platform answered HTTP {answer.status} about {what}.", reason="unreadable_answer"
            )
        return element

    def number(
        self, service: str, operation: str, /, *, what: str, slow: bool = False, **parameters: Any
    ) -> int:
        """The whole number an operation answers with, zero or more.

        Raises:
            what `codes.failure` makes of a negative one, and what `call` raises.
        """
        value = self.raw_number(service, operation, what=what, slow=slow, **parameters)
        if value < 0:
            raise codes.failure(code=value, what=what)
        return value

    def raw_number(
        self, service: str, operation: str, /, *, what: str, slow: bool = False, **parameters: Any
    ) -> int:
        """The whole number an operation answers with, also a negative one."""
        element = self.call(service, operation, what=what, slow=slow, **parameters)
        code = _code(element)
        if code is None:
            raise contract.TemporaryFailure(
                f"The platform gave no answer about {what}.", reason="unreadable_answer"
            )
        return code

    def record(self, service: str, operation: str, /, *, what: str, **parameters: Any) -> soap.Record | None:
        """The object an operation answers with, or `None`: there is no such thing, or it is not ours to see."""
        element = self.call(service, operation, what=what, **parameters)
        return None if element is None else soap.Record(element)

    def records(self, service: str, operation: str, /, *, what: str, **parameters: Any) -> list[soap.Record]:
        """The list an operation answers with; null is an empty one."""
        element = self.call(service, operation, what=what, **parameters)
        return [] if element is None else soap.without_repeat(list(soap.items(element)))

    def tables(
        self, service: str, operation: str, /, *, what: str, **parameters: Any
    ) -> list[list[soap.Record]]:
        """The tables of the DataSet an operation answers with."""
        element = self.call(service, operation, what=what, **parameters)
        return [] if element is None else soap.tables(element)

    def truth(self, service: str, operation: str, /, *, what: str, **parameters: Any) -> bool:
        """The yes or no an operation answers with."""
        element = self.call(service, operation, what=what, **parameters)
        return element is not None and (element.text or "").strip().lower() in ("true", "1")

    @contextmanager
    def hurried(self, patience: Patience) -> Iterator[None]:
        """In this block and thread, calls end earlier than they need to: those that others overtake, and all when the
        time they share is used up. For reads that will be tried again."""
        self._local.patience = patience
        try:
            yield
        finally:
            self._local.patience = None

    @property
    def silent_s(self) -> float:
        """For how long the server has answered nothing at all."""
        return time.monotonic() - self._last_answer

    def close(self) -> None:
        """Release the connections."""
        self._transport.close()

    # --- below ------------------------------------------------------------------------------------------------------

    def _header(self, service: str) -> tuple[Any, bool]:
        if self.is_newest:
            return soap.credentials_header(
                username=self.settings.username,
                password=self.settings.password,
                outer=_CREDENTIALS_OUTER,
                inner=_CREDENTIALS_INNER,
            ), False
        if service in _UNGUARDED and not self.token_refused:
            return soap.username_token(username=self.settings.username, password=self.settings.password), True
        return None, False

    def _http(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout_s: float,
        *,
        repeatable: bool,
    ) -> transport.Answer:
        patience: Patience | None = getattr(self._local, "patience", None)
        if patience is not None:
            timeout_s = patience.limit(timeout_s, usual_s=self._usual_s)
        end = time.monotonic() + timeout_s
        with self._slot(timeout_s):
            self._breaker.check()
            started = time.monotonic()
            try:
                answer = self._transport.request(
                    method=method,
                    path=path,
                    headers=headers,
                    body=body,
                    timeout_s=end - started,
                    repeatable=repeatable,
                    give_up=None if patience is None else self._overtaken(started),
                )
            except transport.GivenUp:
                raise contract.TemporaryFailure(
                    "The platform kept this call waiting while it answered others.",
                    reason="overtaken",
                    retry_after_s=1,
                ) from None
            except transport.BodyTooLarge as error:
                raise contract.PermanentFailure(
                    f"The platform's answer is too long: {error}.", reason="too_long"
                ) from None
            except transport.DeadlineExceeded as error:
                self._breaker.failed()
                raise contract.TemporaryFailure(
                    f"The platform did not answer within {timeout_s:g} seconds.",
                    reason="timed_out",
                    retry_after_s=120,
                ) from error
            except transport.TransportError as error:
                self._breaker.failed()
                raise contract.TemporaryFailure(
                    f"The platform cannot be reached: {error}.", reason="unreachable", retry_after_s=60
                ) from error
            if answer.status in _DOWN:
                self._breaker.failed()
            else:
                self._breaker.worked()
            self._last_answer = time.monotonic()
            took_s = self._last_answer - started
            self._usual_s = took_s if self._answered == 0 else 0.95 * self._usual_s + 0.05 * took_s
            self._answered += 1
            return answer

    def _overtaken(self, started: float) -> Callable[[], bool]:
        """Tells whether a call that began then hangs: it lasts many times longer than usual, and more calls than run at once
        were begun and answered in the meantime. A server that answers nobody overtakes nobody."""
        before = self._answered

        def is_overtaken() -> bool:
            too_long_s = max(_OVERTAKEN_S, _OVERTAKEN_TIMES * self._usual_s)
            others = self._answered - before
            return others >= 2 * self.settings.concurrency and time.monotonic() - started > too_long_s

        return is_overtaken

    @contextmanager
    def _slot(self, timeout_s: float) -> Iterator[None]:
        if not self._width.acquire(timeout=timeout_s):
            raise contract.TemporaryFailure(
                "Too many calls wait for the platform.", reason="busy", retry_after_s=30
            )
        try:
            yield
        finally:
            self._width.release()

    def _unavailable(self, answer: transport.Answer) -> contract.TemporaryFailure:
        after = answer.headers.get("retry-after", "")
        return contract.TemporaryFailure(
            f"The platform is not available at the moment (HTTP {answer.status}).",
            reason="unavailable",
            retry_after_s=min(int(after), 3600) if after.isdigit() else 60,
        )

    def _note(
        self,
        number: int,
        service: str,
        declared: wsdl.Operation,
        members: list[tuple[str, Any]],
        answer: Mapping[str, Any],
        started: float,
        outcome: contract.Outcome,
        detail: str,
    ) -> None:
        secrets = [str(self.settings.password)]
        secrets += [str(value) for name, value in members if _is_hidden(name) and value]
        self._audit(
            contract.AuditEntry(
                number=number,
                operation=f"{service}.{declared.name}",
                request={name: _masked(name, value) for name, value in members if value is not None},
                answer={name: _masked(name, value) for name, value in answer.items()},
                duration_s=round(time.monotonic() - started, 4),
                outcome=outcome,
                detail=_without(codes.shortened(detail), secrets),
            )
        )


def _members(declared: wsdl.Operation, parameters: Mapping[str, Any]) -> list[tuple[str, Any]]:
    left = dict(parameters)
    members = []
    for parameter in declared.parameters:
        value = left.pop(parameter.name, parameter.default)
        value = left.pop(parameter.name + "_", value)
        members.append((parameter.name, value))
    unknown = [name for name in left if not name.endswith("_")]
    if unknown:
        raise Missing(f"This release of the platform has no “{unknown[0]}” in {declared.name}.")
    return members


def _code(element: Any) -> int | None:
    """The number in a plain result, or in the object that wraps one."""
    if element is None:
        return None
    if len(element) == 0:
        text = (element.text or "").strip()
        return int(text) if text.lstrip("-").isdigit() else None
    record = soap.Record(element)
    if record.has("Result"):
        return record.int("Result")
    return None


def _answer_texts(element: Any) -> Mapping[str, Any]:
    if element is None:
        return {}
    if len(element) == 0:
        return {"result": element.text or ""}
    return soap.Record(element).texts()


def _is_hidden(name: str) -> bool:
    return any(sign in name.lower() for sign in _HIDDEN)


def _masked(name: str, value: Any) -> Any:
    if _is_hidden(name) and value:
        return "•••"
    if isinstance(value, soap.Record):
        return {member: _masked(member, text) for member, text in value.texts().items()}
    if isinstance(value, list):
        return [_masked(item_name, item) for item_name, item in value]
    if isinstance(value, Mapping):
        return {member: _masked(member, item) for member, item in value.items()}
    return value if isinstance(value, int | bool) else str(value)


def _without(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        if len(secret) > 3:
            text = text.replace(secret, "•••")
    return text


class Breaker:
    """Stops asking a server that is down, so that waiting work fails at once and says why.

    After enough calls in a row without an answer it is open for `BREAKER_OPEN_S`; then one call may try.

    Args:
        failures: how many are enough, `BREAKER_FAILURES` at least: as many as run at once, so that a few hanging calls
            among many that are answered mean nothing.
    """

    def __init__(self, *, failures: int = BREAKER_FAILURES) -> None:
        self._enough = max(failures, BREAKER_FAILURES)
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until = 0.0

    def check(self) -> None:
        """Nothing, when a call may be made.

        Raises:
            TemporaryFailure: reason `platform_down`.
        """
        with self._lock:
            left = self._open_until - time.monotonic()
            if left <= 0:
                if self._failures >= self._enough:
                    self._open_until = time.monotonic() + BREAKER_OPEN_S
                return
        raise contract.TemporaryFailure(
            "The platform has not answered several calls in a row and is left alone for a moment. It is tried again by itself.",
            reason="platform_down",
            retry_after_s=max(1, int(left) + 1),
        )

    def failed(self) -> None:
        """A call got no answer."""
        with self._lock:
            self._failures += 1
            if self._failures >= self._enough:
                self._open_until = time.monotonic() + BREAKER_OPEN_S

    def worked(self) -> None:
        """A call got an answer, whatever it said."""
        with self._lock:
            self._failures = 0
            self._open_until = 0.0
