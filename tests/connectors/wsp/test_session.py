"""The rest of a session: its check, plans, sign-on, inventory and zones."""

import urllib.parse
import urllib.request
from typing import Any

import pytest

from postledger.connectors import contract
from postledger.resources import dns, exchange


def _codes(report: contract.CheckReport) -> dict[str, str]:
    return {line.code: line.state for line in report.lines}


def test_a_check_says_what_it_found(desk: Any, dialect: str) -> None:
    report = desk.session.check()
    assert report.is_usable
    assert report.product.startswith({"W": "WebsitePanel", "S": "SolidCP", "F": "FuseCP"}[dialect])
    states = _codes(report)
    assert states == {
        "reachable": "ok",
        "dialect": "ok",
        "tls": "warning",
        "credentials": "ok",
        "rights": "ok",
        "space": "ok",
        "organizations": "ok",
        "plans": "ok",
        "portal": "warning",
    }


def test_a_check_with_a_wrong_password_stops_there(desk: Any) -> None:
    report = desk.another(password=contract.Secret("wrong")).session.check()
    assert not report.is_usable
    assert _codes(report)["credentials"] == "failed"
    assert "plans" not in _codes(report)


@pytest.mark.parametrize("password", ["a:b-secret", "Schlüssel-1"])
def test_a_password_the_platform_cannot_read_is_named(desk: Any, password: str, dialect: str) -> None:
    report = desk.another(password=contract.Secret(password)).session.check()
    if dialect == "F":
        reseller = desk.control.rows("users", Username="reseller")[0]
        desk.control.change("users", reseller["UserId"], Password=password)
        assert desk.another(password=contract.Secret(password)).session.check().is_usable
        return
    assert _codes(report)["credentials"] == "failed"
    assert "colon" in next(line.text for line in report.lines if line.code == "credentials")


def test_a_check_of_a_server_that_is_none_says_so(desk: Any) -> None:
    assert _codes(desk.another(url=desk.sandbox.portal_url).session.check())["reachable"] == "failed"
    report = desk.another(url="http://127.0.0.1:9").session.check()
    assert _codes(report)["reachable"] == "failed"
    assert "refused" in report.lines[0].text


def test_a_check_with_a_login_that_is_no_reseller_says_so(desk: Any) -> None:
    desk.control.add_user("plain")
    assert _codes(desk.another(username="plain").session.check())["rights"] == "failed"


def test_a_check_of_a_suspended_reseller_says_so(desk: Any) -> None:
    desk.control.set_status("reseller", 2)
    assert _codes(desk.session.check())["rights"] == "failed"


def test_a_service_that_does_not_know_us_is_worth_a_warning(desk: Any, dialect: str) -> None:
    if dialect == "F":
        return  # it guards every service
    desk.control.set_options(anonymous_organizations=True)
    desk.session._client.token_refused = True
    assert _codes(desk.session.check())["organizations"] == "warning"


def test_a_peer_works_for_the_reseller(desk: Any) -> None:
    peer = desk.control.add_user("colleague")
    desk.control.change("users", peer["UserId"], IsPeer=True)
    other = desk.another(username="colleague")
    assert other.session.check().is_usable
    assert other.account()["user"]


def test_plans_come_with_their_limits(desk: Any) -> None:
    plans = {plan.name: plan for plan in desk.session.list_plans()}
    assert {plan.scope for plan in plans.values()} == {"account", "addon"}
    limits = {limit.meter: limit.amount for limit in plans["Exchange Small"].limits}
    assert (limits["exchange.mailboxes"], limits["exchange.disk"]) == (5, 10240)
    assert plans["10 Mailboxes"].scope == "addon"
    assert "Reseller Exchange" not in plans


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


def test_the_form_signs_the_customer_on_with_a_fresh_password(desk: Any) -> None:
    account = desk.account()
    target = desk.target(exchange.ACCOUNT, "acme", ref=account)
    first, second = desk.session.prepare_sign_on(target=target), desk.session.prepare_sign_on(target=target)
    assert first.fields["password"] != second.fields["password"]
    assert second.fields["password"] not in repr(second) + repr(desk.audit)
    assert second.action == f"{desk.sandbox.portal_url}/Default.aspx?pid=Login"
    body = urllib.parse.urlencode(second.fields).encode()
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.HTTPCookieProcessor())
    try:
        answer = opener.open(urllib.request.Request(second.action, body))
    except urllib.error.HTTPError as error:
        answer = error
    assert answer.status == 302
    assert "PORTALAUTHASPX" in str(answer.headers).upper()


def test_a_second_factor_is_announced(desk: Any, dialect: str) -> None:
    account = desk.account()
    if dialect == "W":
        return
    desk.control.change("users", account["user"], MfaMode=1)
    form = desk.session.prepare_sign_on(target=desk.target(exchange.ACCOUNT, "acme", ref=account))
    assert "second factor" in form.notice


def test_without_a_portal_nobody_is_signed_on(desk: Any) -> None:
    account = desk.account()
    with pytest.raises(contract.NeedsOperator) as caught:
        desk.another(portal_url="").session.prepare_sign_on(
            target=desk.target(exchange.ACCOUNT, "acme", ref=account)
        )
    assert caught.value.reason == "no_portal"
    assert desk.control.user("acme")["Password"] != ""


def _walk(desk: Any, cursor: Any = None) -> list[contract.Candidate]:
    found: list[contract.Candidate] = []
    while True:
        page = desk.session.inventory(cursor=cursor)
        found.extend(page.items)
        if page.cursor is None:
            return found
        cursor = page.cursor


def test_the_inventory_lists_everything_of_ours_once(desk: Any) -> None:
    desk.control.add_user("foreign", owner="reseller2")
    for number in range(57):
        desk.control.add_user(f"user{number:02}")
    package = desk.control.add_package("user03", "Exchange Large")
    item = desk.control.add_organization(package["PackageId"], "org03", domain="org03.example")
    desk.control.add_mailbox(item, "ann@org03.example")
    found = _walk(desk)
    accounts = [candidate.name for candidate in found if candidate.kind == exchange.ACCOUNT]
    assert accounts == [f"user{number:02}" for number in range(57)]
    kinds = {candidate.kind for candidate in found if candidate.kind != exchange.ACCOUNT}
    assert kinds == {exchange.ORGANIZATION, exchange.DOMAIN, exchange.MAILBOX}
    assert [c.name for c in found if c.kind == exchange.MAILBOX] == ["ann@org03.example"]


def test_an_inventory_goes_on_where_it_ended_although_users_went(desk: Any) -> None:
    for number in range(60):
        desk.control.add_user(f"user{number:02}")
    page = desk.session.inventory()
    for name in ("user00", "user01", "user02"):
        desk.control.delete_user(name)
    names = [candidate.name for candidate in (*page.items, *_walk(desk, page.cursor))]
    assert names == [f"user{number:02}" for number in range(60)]


def _host(desk: Any) -> Any:
    account = desk.account()
    desk.organization(account=account)
    host = desk.session.dns_host(target=desk.target(exchange.ACCOUNT, "acme", ref=account))
    if "acme.example" not in host.zones():
        assert host.ensure_zone(zone="acme.example", name_servers=())
    return host


def test_records_of_a_hosted_zone_are_added_changed_and_removed(desk: Any, dialect: str) -> None:
    host = _host(desk)
    at_first = host.read(zone="acme.example")

    def made(kind: str, name: str, *values: str) -> dns.RecordSet:
        return dns.record_set(zone="acme.example", name=name, type=kind, values=values)

    wanted = [
        made("MX", "", "10 mx1.ours.example", "20 mx2.ours.example"),
        made("CNAME", "autodiscover.acme.example", "auto.ours.example"),
        made("TXT", "", "v=spf1 include:spf.ours.example ~all"),
    ]
    present = {entry.key: entry for entry in at_first}
    changes = [dns.RecordChange(before=present.get(entry.key), after=entry) for entry in wanted]
    after = {entry.key: entry.values for entry in host.change(zone="acme.example", changes=changes)}
    assert after == {entry.key: entry.values for entry in wanted}
    back = [
        dns.RecordChange(
            before=next(e for e in host.read(zone="acme.example") if e.key == change.set.key),
            after=change.before,
        )
        for change in changes
    ]
    host.change(zone="acme.example", changes=back)
    assert {(e.key, e.values) for e in host.read(zone="acme.example")} == {
        (e.key, e.values) for e in at_first
    }


def test_record_types_the_release_does_not_have_are_refused(desk: Any, dialect: str) -> None:
    host = _host(desk)
    entry = dns.record_set(
        zone="acme.example",
        name="_autodiscover._tcp.acme.example",
        type="SRV",
        values=("0 0 443 auto.ours.example",),
    )
    change = dns.RecordChange(before=None, after=entry)
    if dialect == "W":
        with pytest.raises(contract.PlatformRefusal) as caught:
            host.change(zone="acme.example", changes=[change])
        assert caught.value.reason == "unsupported_record"
    else:
        assert [found.values for found in host.change(zone="acme.example", changes=[change])] == [
            entry.values
        ]


def test_a_record_somebody_changed_meanwhile_is_not_overwritten(desk: Any) -> None:
    host = _host(desk)
    desk.control.add_record("acme.example", "MX", "", "other.example.net", priority=5)
    wanted = dns.record_set(zone="acme.example", name="", type="MX", values=("10 mx.ours.example",))
    with pytest.raises(contract.TemporaryFailure) as caught:
        host.change(zone="acme.example", changes=[dns.RecordChange(before=None, after=wanted)])
    assert caught.value.reason == "zone_changed"


def test_a_domain_without_zone_is_an_error_and_not_an_empty_zone(desk: Any) -> None:
    host = _host(desk)
    with pytest.raises(contract.PermanentFailure) as caught:
        host.read(zone="nowhere.example")
    assert caught.value.reason == "no_zone"
    with pytest.raises(contract.PermanentFailure) as caught:
        host.ensure_zone(zone="nowhere.example", name_servers=())
    assert caught.value.reason == "not_supported"
