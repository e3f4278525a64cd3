# SPDX-License-Identifier: Apache-2.0
"""Operations by service and name.

A function acts out the operation of the same name: `get_user_by_username(call, username)` is GetUserByUsername. Its
parameters are the operation's in the same way, and only those it names are handed over; `**others` takes the rest under
their wire names.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from postledger_sandbox.contract import Contract, Operation
from postledger_sandbox.state.world import Arguments, Call, Fault

Acted = Callable[[Call, Arguments], Any]


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


class Operations:
    """The functions of one service, collected by decorating them with `act`."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.functions: dict[str, Callable[..., Any]] = {}

    def act(self, function: Callable[..., Any]) -> Callable[..., Any]:
        self.functions[_plain(function.__name__)] = function
        return function

    def act_as(self, *names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            for name in names:
                self.functions[_plain(name)] = function
            return function

        return decorate


def bind(contract: Contract, all_operations: list[Operations]) -> dict[tuple[str, str], Acted]:
    """What acts out each operation of a dialect; operations nobody acts out are missing."""
    bound = {}
    for operations in all_operations:
        service = contract.services.get(operations.service)
        if service is None:
            continue
        for operation in service.operations.values():
            function = operations.functions.get(_plain(operation.name))
            if function is not None:
                bound[(service.name, operation.name)] = _bind(function, operation)
    return bound


def _bind(function: Callable[..., Any], operation: Operation) -> Acted:
    parameters = inspect.signature(function).parameters
    takes_rest = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    known = {_plain(name): name for name in list(parameters)[1:]}
    names = []
    for wire_name, _ in operation.parameters:
        own_name = known.get(_plain(wire_name))
        if own_name is not None:
            names.append((wire_name, own_name))
        elif takes_rest:
            names.append((wire_name, wire_name))

    def acted(call: Call, arguments: Arguments) -> Any:
        return function(call, **{own_name: arguments[wire_name] for wire_name, own_name in names})

    return acted


def not_acted(call: Call, arguments: Arguments) -> Any:
    raise Fault(f"The sandbox describes {call.service}.{call.operation} but does not act it out.")
