"""Whatever is sent, the answer is a refusal with words and never a bug."""

import os
from typing import Any
from urllib.parse import quote

from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from postledger.api import urls
from tests.api.conftest import routes

SCHEMA = urls.api.get_openapi_schema(path_prefix="/")
NASTY = [
    "",
    " ",
    "\x00",
    "ß" * 300,
    "'; drop table",
    "../..",
    "{}",
    "%s",
    "1e400",
    "-0",
    "\u202e",
    "𝔸",
    "x" * 5000,
]
ANYTHING = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-(2**70), 2**70)
    | some.floats(allow_nan=False, allow_infinity=False)
    | some.sampled_from(NASTY)
    | some.text(),
    lambda inner: (
        some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=10), inner, max_size=3)
    ),
    max_leaves=6,
)
# These ask the network; what they send is tried elsewhere.
ASKING_OUTSIDE = {
    "/accounts/{account_id}/exchange/reading",
    "/accounts/{account_id}/exchange/unlink",
    "/connections/{connection_id}/changes",
    "/connections/{connection_id}/check",
    "/connections/{connection_id}/plans/refresh",
    "/zones/{zone_id}/check",
}


def of_schema(schema: dict[str, Any]) -> some.SearchStrategy:
    """Values as the schema says, at its edges; now and then one it does not say."""
    return some.integers(0, 9).flatmap(lambda dice: ANYTHING if dice == 0 else _right(schema))


def _right(schema: dict[str, Any]) -> some.SearchStrategy:
    if "$ref" in schema:
        return _right(SCHEMA["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]])
    if "anyOf" in schema:
        return some.one_of([of_schema(choice) for choice in schema["anyOf"]])
    if "enum" in schema:
        return some.sampled_from(schema["enum"])
    match schema.get("type"):
        case "object" if "properties" in schema:
            required = schema.get("required", [])
            parts = {name: of_schema(part) for name, part in schema["properties"].items()}
            return some.fixed_dictionaries(
                {name: parts[name] for name in required},
                optional={name: part for name, part in parts.items() if name not in required},
            )
        case "object":
            inner = schema.get("additionalProperties")
            names = some.sampled_from(["Sites", "Account", "exchange.mailboxes", *NASTY])
            return some.dictionaries(
                names, of_schema(inner) if isinstance(inner, dict) else ANYTHING, max_size=3
            )
        case "array":
            return some.lists(of_schema(schema.get("items", {})), max_size=3)
        case "integer":
            return some.sampled_from([0, 1, 12, 2**31 - 1, 2**31, 2**63 - 1]) | some.integers(-3, 2**64)
        case "boolean":
            return some.booleans()
        case "null":
            return some.none()
        case "string" if schema.get("format") == "date":
            return some.sampled_from(
                ["0001-01-01", "9999-12-31", "2027-01-01", "2027-02-30"]
            ) | some.dates().map(str)
        case "string" if schema.get("format") == "date-time":
            return some.sampled_from(
                ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "2027-01-01T00:00:00Z"]
            )
        case "string" if "pattern" in schema:
            return some.from_regex(schema["pattern"], fullmatch=True)
        case "string":
            return some.sampled_from([*NASTY, "acme.example", "ann@northern.example", "A"]) | some.text(
                max_size=70
            )
    return ANYTHING


ROUTES = [route for route in routes() if route[1] not in ASKING_OUTSIDE]
EXAMPLES = int(os.environ.get("NONSENSE", "200"))


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=some.data())
def test_nonsense_is_refused_and_never_a_bug(town, data):
    method, path, said = data.draw(some.sampled_from(ROUTES))
    asking = data.draw(some.sampled_from(["north", "nora", "host"]))
    ids = {
        name: data.draw(some.sampled_from([number] * 4 + [1, 2**63 - 1])) for name, number in town.ids.items()
    }
    body = None
    if "requestBody" in said:
        body = data.draw(of_schema(said["requestBody"]["content"]["application/json"]["schema"]))
    query = {
        parameter["name"]: data.draw(of_schema(parameter["schema"]))
        for parameter in said.get("parameters", [])
        if parameter["in"] == "query" and data.draw(some.booleans())
    }
    with transaction.atomic():
        answer = town.programs[asking].ask(
            method, path.format(**ids), body, **{name: quote(str(value)) for name, value in query.items()}
        )
        transaction.set_rollback(True)
    assert answer.status < 500, (method, path, body, query, answer.body)
    if answer.status >= 400:
        assert answer.body["reason"], answer.body
        assert answer.body["message"], answer.body
