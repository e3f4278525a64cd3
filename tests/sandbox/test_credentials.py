# SPDX-License-Identifier: Apache-2.0
"""Who may call: HTTP Basic with its oddities, the security token, and services that ask nobody."""

import base64
import hashlib

import pytest

from postledger_sandbox.server import Sandbox
from tests.sandbox.client import SOAP11, Client, basic

SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
TEXT = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"


def ask(client, **headers):
    return client.post(
        "esUsers",
        client.action("esUsers", "GetUserByUsername"),
        client.body("esUsers", "GetUserByUsername", username="reseller"),
        **headers,
    )


def with_token(client, service, operation, password, kind=TEXT, **parameters):
    body = client.body(service, operation, **parameters)
    envelope = (
        f'<s:Envelope xmlns:s="{SOAP11}"><s:Header><w:Security xmlns:w="{SECURITY}"><w:UsernameToken>'
        f'<w:Username>reseller</w:Username><w:Password Type="{kind}">{password}</w:Password></w:UsernameToken>'
        f"</w:Security></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )
    return client.send(service, client.action(service, operation), envelope.encode(), Authorization="")


@pytest.mark.parametrize(
    "value", ["", basic("reseller", "nope"), basic("nobody", "Secret-1"), "Bearer abc",
              "basic " + basic("reseller", "Secret-1")[6:], basic("reseller", "Sécret-1")],
)  # fmt: skip
def test_missing_or_wrong_credentials_are_denied(client, value):
    reply = ask(client, Authorization=value)
    product = {"W": "WebsitePanel", "S": "SolidCP"}[client.dialect]
    assert (reply.status, reply.reason, reply.body) == (401, "Access Denied", b"401 Access Denied")
    assert reply.headers["WWW-Authenticate"] == f'Basic Realm="{product} Enterprise Server"'
    assert reply.headers["Content-Type"] == "text/html"


def test_what_follows_a_second_colon_is_ignored(client):
    assert ask(client, Authorization=basic("reseller", "Secret-1:more")).status == 200


def test_credentials_that_cannot_be_read_are_a_fault(client):
    assert "valid Base-64" in ask(client, Authorization="Basic %%%").fault
    no_colon = "Basic " + base64.b64encode(b"reseller").decode()
    assert "Index was outside the bounds" in ask(client, Authorization=no_colon).fault


def test_a_hashed_password_is_taken_by_the_later_generation_only(client):
    hashed = base64.b64encode(hashlib.sha1(b"Secret-1").digest()).decode()
    assert ask(client, Authorization=basic("reseller", hashed)).status == (
        401 if client.dialect == "W" else 200
    )


def test_a_suspended_user_still_signs_in_and_is_refused_by_the_operation(client, sandbox, household):
    household.customer()
    sandbox.control.set_status("reseller", 2)
    assert ask(client).status == 200
    code = client.call(
        "esPackages", "CreateUserWizard", parentPackageId=2, username="beta", password="x", roleId=3, planId=2
    )
    assert code == -104


def test_a_token_at_a_service_with_a_policy_is_a_security_fault(client):
    reply = with_token(client, "esUsers", "UserExists", "Secret-1", username="x")
    assert ">q0:Security</faultcode><faultstring>SOAP response should be signed." in reply.text
    reply = with_token(client, "esUsers", "UserExists", "nope", username="x")
    assert ">q0:FailedAuthentication</faultcode>" in reply.text
    assert "WSE565" in reply.fault


def test_a_token_at_a_service_without_policy_names_the_caller(client, household, sandbox):
    _, _, item_id = household.whole()
    reply = with_token(client, "esOrganizations", "GetOrganization", "Secret-1", itemId=item_id)
    assert "<OrganizationId>acme</OrganizationId>" in reply.text
    assert sandbox.control.calls(operation="GetOrganization")[-1]["caller"] == "reseller"
    assert "WSE565" in with_token(client, "esOrganizations", "GetOrganization", "nope", itemId=item_id).fault
    digest = TEXT.replace("PasswordText", "PasswordDigest")
    assert (
        "WSE547"
        in with_token(client, "esOrganizations", "GetOrganization", "x", digest, itemId=item_id).fault
    )


def test_organizations_ask_for_credentials_unless_told_otherwise(client, household):
    _, _, item_id = household.whole()
    body = client.body("esOrganizations", "GetOrganization", itemId=item_id)
    action = client.action("esOrganizations", "GetOrganization")
    assert client.post("esOrganizations", action, body, Authorization="").status == 401
    other = client.signed_in("reseller2")
    assert other.call("esOrganizations", "GetOrganization", itemId=item_id) is None


def test_the_original_lets_anybody_act_as_administrator_on_organizations(dialect):
    with Sandbox(dialect=dialect, anonymous_organizations=True) as sandbox:
        client = Client(sandbox.url, dialect)
        package = sandbox.control.add_user("acme") and sandbox.control.add_package("acme")
        item_id = sandbox.control.add_organization(package["PackageId"], "acme", domain="acme.example")
        body = client.body("esOrganizations", "GetOrganization", itemId=item_id)
        action = client.action("esOrganizations", "GetOrganization")
        for value in ("", basic("reseller", "nope"), basic("reseller2", "Secret-1")):
            reply = client.post("esOrganizations", action, body, Authorization=value)
            assert "<OrganizationId>acme</OrganizationId>" in reply.text
        assert ask(client, Authorization="").status == 401


def test_authentication_needs_no_credentials(client, household):
    household.customer()
    anonymous = client.signed_in("", "")

    def code(username, password):
        return anonymous.call("esAuthentication", "AuthenticateUser", username=username, password=password)

    assert (code("acme", "Secret-2"), code("acme", "nope"), code("nobody", "x")) == (0, -110, -109)


@pytest.mark.parametrize(("status", "code"), [(1, 0), (2, 0), (3, -105), (4, -103)])
def test_a_suspended_customer_may_sign_in_at_the_portal_and_a_cancelled_one_not(
    client, sandbox, status, code
):
    sandbox.control.add_user("acme")
    sandbox.control.set_status("acme", status)
    assert client.call("esAuthentication", "AuthenticateUser", username="acme", password="Secret-1") == code
