# SPDX-License-Identifier: Apache-2.0
"""What answers at the sandbox's address: the services, the portal, the control page."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from typing import Any

from postledger_sandbox.contract import Operation, Service
from postledger_sandbox.control import api
from postledger_sandbox.control.control import Control
from postledger_sandbox.control.faults import Faults, Rule
from postledger_sandbox.control.log import CallLog, summary
from postledger_sandbox.portal import Portal
from postledger_sandbox.rules import background
from postledger_sandbox.services import ALL, registry
from postledger_sandbox.state.world import NULL_REFERENCE, Call, World
from postledger_sandbox.wire.fuse import FuseEndpoint
from postledger_sandbox.wire.http import Request, Response
from postledger_sandbox.wire.soap import (
    Denied,
    Endpoint,
    Exchange,
    SoapFault,
)
from postledger_sandbox.wire.writing import DataSet

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a0 "aaaaaaaaaa">'
    + "".join(f'<!ENTITY a{n} "' + f"&a{n - 1};" * 10 + '">' for n in range(1, 10))
    + "]><b>&a9;</b>"
)


class Application:
    """Answers requests; the operations of one world run one at a time."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.faults = Faults()
        self.log = CallLog()
        # Our own mistakes; a client sees them as faults.
        self.mistakes: list[str] = []
        self.control = Control(world, self.faults, self.log)
        self.portal = Portal(world, self.log)
        endpoint = FuseEndpoint if world.options.dialect == "F" else Endpoint
        self.endpoint = endpoint(world, registry.bind(world.contract, ALL), registry.not_acted)

    def __call__(self, request: Request) -> Response:
        path = request.path.lower()
        if path.startswith("/_control"):
            return api.answer(self.control, request)
        if path.startswith("/portal"):
            return self.portal.answer(request)
        service = self.endpoint.service_at(request.path)
        is_old = self.world.options.dialect != "F"
        if is_old and service is None and self.endpoint.service_at(request.path.rpartition("/")[0]):
            return _not_soap()
        if service is None:
            if request.method in ("GET", "HEAD"):
                return _service_or_start_page(self.endpoint, request)
            return Response(404, "Not Found", [("Content-Type", "text/html")], b"404 Not Found")
        if request.method in ("GET", "HEAD"):
            return self.endpoint.document(service, request)
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if request.method != "POST" or media_type not in ("text/xml", "application/soap+xml"):
            return _not_soap()
        return self._call(service, request)

    def _call(self, service: Service, request: Request) -> Response:
        started = time.perf_counter()
        exchange = Exchange()
        rule: Rule | None = None
        host = request.headers.get("host", "localhost")
        try:
            operation, call = self.endpoint.prepare(service, request, exchange)
            rule = self.faults.take(service.name, operation.name, exchange.arguments)
            if rule is None:
                response = self._work(service, operation, call, exchange, None)
            else:
                response = self._spoiled(rule, service, operation, call, exchange, request)
        except Denied:
            response = self.endpoint.denied()
        except SoapFault as fault:
            response = self.endpoint.fault(service, fault, exchange, host)
        self.log.add(
            service=exchange.service,
            operation=exchange.operation,
            caller=exchange.caller,
            arguments=exchange.arguments,
            result=summary(exchange.result),
            fault=exchange.fault,
            status=response.status,
            injected=rule.kind if rule else "",
            took_ms=round((time.perf_counter() - started) * 1000, 2),
        )
        return response

    def _work(
        self, service: Service, operation: Operation, call: Call, exchange: Exchange, rule: Rule | None
    ) -> Response:
        """Run the operation and make its answer."""
        with self.world.lock:
            try:
                background.run_due(self.world)
                body = self.endpoint.run(operation, call, exchange)
                if rule is not None and rule.kind in ("answer", "row_too_many"):
                    exchange.result = _altered(rule, exchange.result)
                    body = self.endpoint.writer.answer(operation, service.namespace, exchange.result)
            except SoapFault:
                raise
            except Exception as error:
                self.mistakes.append(traceback.format_exc())
                raise self.endpoint.failed(NULL_REFERENCE) from error
            finally:
                self.world.store.commit()
        return self.endpoint.answer(service, body, operation, exchange)

    def _spoiled(
        self,
        rule: Rule,
        service: Service,
        operation: Operation,
        call: Call,
        exchange: Exchange,
        request: Request,
    ) -> Response:
        """The call as a rule wants it."""
        kind = rule.kind
        if kind == "down":
            return Response(
                503, "Service Unavailable", [("Content-Type", "text/html")], b"Service Unavailable"
            )
        if kind == "401":
            return self.endpoint.denied()
        if kind == "redirect":
            return Response(302, "Found", [("Location", rule.location)])
        if kind == "fault_before":
            raise self.endpoint.failed(rule.text)
        if kind == "cut_before":
            return Response(cut=True)
        if kind == "slow":
            time.sleep(rule.seconds)
        if kind in ("timeout_before", "gate_before"):
            released = self.faults.hold(rule, service.name, operation.name, request.gone)
            if kind == "timeout_before" or not released:
                return Response(cut=True)
        if kind == "lie":
            exchange.result = {"Result": rule.value} if operation.result == "PackageResult" else rule.value
            body = self.endpoint.writer.answer(operation, service.namespace, exchange.result)
            return self.endpoint.answer(service, body, operation, exchange)
        response = self._work(service, operation, call, exchange, rule)
        if kind in ("timeout_after", "gate_after"):
            released = self.faults.hold(rule, service.name, operation.name, request.gone)
            if kind == "timeout_after" or not released:
                return Response(cut=True)
        if kind == "fault_after":
            raise self.endpoint.failed(rule.text)
        return _hostile(rule, response)


def _not_soap() -> Response:
    """What comes of an operation called without SOAP: by a form, by its own address, in another media type."""
    headers = [
        ("X-AspNet-Version", "4.0.30319"),
        ("Cache-Control", "private"),
        ("Content-Type", "text/html"),
    ]
    return Response(
        500, "Internal Server Error", headers, b"<html><body>Request format is invalid.</body></html>"
    )


def _altered(rule: Rule, result: Any) -> Any:
    """A result with another value, or with its last row twice."""
    if rule.kind == "answer":
        return (
            {**result, "Result": rule.value}
            if isinstance(result, dict) and "Result" in result
            else rule.value
        )
    if isinstance(result, list):
        return _longer(result)
    if isinstance(result, DataSet):
        return DataSet(result.key, [*result.tables[:-1], _longer(result.tables[-1])])
    if isinstance(result, dict):
        return {key: _longer(item) if isinstance(item, list) else item for key, item in result.items()}
    return result


def _longer(rows: Sequence[Any]) -> list[Any]:
    return [*rows, *rows[-1:]]


def _hostile(rule: Rule, response: Response) -> Response:
    """The answer made unfit to read."""
    kind = rule.kind
    if kind == "cut_after":
        return Response(cut=True)
    if kind == "entity_expansion":
        response.body = BOMB.encode()
    elif kind == "huge":
        response.padding = max(0, rule.bytes - len(response.body))
    elif kind == "slow_body":
        response.drip_s = rule.seconds
    elif kind == "cut_body":
        response.cut_at = len(response.body) // 2
    elif kind == "wrong_charset":
        response.body = response.body.decode().encode("utf-16")
    elif kind == "malformed":
        response.body = response.body.replace(b"Envelope>", b"Envelop>")
    elif kind == "html":
        response.headers = [("Content-Type", "text/html; charset=utf-8")]
        response.body = b"<html><body>The service is being upgraded.<br></body></html>"
    return response


def _service_or_start_page(endpoint: Endpoint, request: Request) -> Response:
    if request.path not in ("", "/"):
        return Response(404, "Not Found", [("Content-Type", "text/html")], b"404 Not Found")
    suffix = "" if endpoint.contract.dialect == "F" else ".asmx"
    links = "".join(f'<li><a href="/{name}{suffix}">{name}</a></li>' for name in endpoint.contract.services)
    page = (
        '<!doctype html><html lang="en"><head><title>Sandbox Enterprise Server</title></head><body>'
        f'<h1>Sandbox Enterprise Server</h1><p><a href="/_control/">Control page</a>,'
        f' <a href="/portal/Default.aspx?pid=Login">portal</a></p><ul>{links}</ul></body></html>'
    )
    return Response(headers=[("Content-Type", "text/html; charset=utf-8")], body=page.encode())
