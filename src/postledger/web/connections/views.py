"""A seller's connections: his Exchange reseller account, his DNS servers, and what of theirs he offers."""

from django.http import Http404, HttpResponse

from postledger.accounts import queries as accounts
from postledger.catalog import queries as catalog
from postledger.connectors import contract, registry
from postledger.core.errors import Refusal
from postledger.provisioning import differences
from postledger.provisioning import operations as provisioning_operations
from postledger.provisioning import queries as provisioning
from postledger.provisioning.types import ConnectionView
from postledger.resources import exchange
from postledger.web.connections import forms
from postledger.web.door import OUTSIDE, Ask, action, page, reading
from postledger.workflows import check_connection, refresh_platform_plans


@reading
def listed(ask: Ask) -> HttpResponse:
    own = ask.require_seller()
    return ask.page(
        "connections/list.html",
        connections=[
            (found, registry.get(found.connector).title)
            for found in provisioning.connections_of(ask.viewer, own.id)
        ],
    )


@reading
def choose(ask: Ask) -> HttpResponse:
    ask.require_seller()
    kinds = [(code, registry.get(code).title, _is_platform(code)) for code in registry.codes()]
    kinds.sort(key=lambda kind: not kind[2])
    return ask.page("connections/choose.html", kinds=kinds)


@page
def add(ask: Ask, connector: str) -> HttpResponse:
    own = ask.require_seller()
    if connector not in registry.codes():
        raise Http404
    found = registry.get(connector)
    is_platform = _is_platform(connector)
    form = forms.Connection(
        found.settings_class, ask.data, is_platform=is_platform, is_new=True,
        initial={"name": "Exchange" if is_platform else found.title},
    )  # fmt: skip
    if ask.is_post and form.is_valid():
        try:
            made = provisioning_operations.create_connection(
                ask.viewer,
                seller_id=own.id,
                connector=connector,
                name=form.cleaned_data["name"],
                values=form.values(),
                mail=form.mail(),
                now=ask.now,
            )
        except Refusal as error:
            form.refuse(error)
        else:
            return _check(ask, made)
    return _form(ask, form, f"Connect {found.title}", "Connect and check", is_platform)


@page
def edit(ask: Ask, connection_id: int) -> HttpResponse:
    found = _connection(ask, connection_id)
    is_platform = _is_platform(found.connector)
    form = forms.Connection(
        registry.get(found.connector).settings_class, ask.data, is_platform=is_platform, is_new=False,
        initial=forms.initial(found.settings, found.mail, found.name),
    )  # fmt: skip
    if ask.is_post and form.is_valid():
        try:
            changed = provisioning_operations.change_connection(
                ask.viewer,
                connection_id=connection_id,
                values=form.values(),
                mail=form.mail(),
                name=form.cleaned_data["name"],
                now=ask.now,
            )
        except Refusal as error:
            form.refuse(error)
        else:
            return _check(ask, changed)
    return _form(ask, form, f"Change {found.name}", "Save and check", is_platform, found)


@reading
def one(ask: Ask, connection_id: int) -> HttpResponse:
    found = _connection(ask, connection_id)
    is_platform = _is_platform(found.connector)
    ours = catalog.plans(ask.viewer, today=ask.today(), seller_id=found.seller_id, only_offered=False)
    return ask.page(
        "connections/connection.html",
        connection=found,
        title=registry.get(found.connector).title,
        settings=_settings(found),
        is_platform=is_platform,
        plans=[
            plan for plan in provisioning.platform_plans(ask.viewer, connection_id) if plan.scope == "account"
        ]
        if is_platform
        else (),
        ours=ours,
        drift=differences.summary(ask.viewer, connection_id),
        lines=differences.differences_of(ask.viewer, connection_id, most=5),
        people=ask.people(),
        calls=provisioning.calls_of(ask.viewer, connection_id, most=15),
    )


@action
def check(ask: Ask, connection_id: int) -> HttpResponse:
    return _check(ask, _connection(ask, connection_id))


@action
def refresh(ask: Ask, connection_id: int) -> HttpResponse:
    found = _connection(ask, connection_id)
    plans = refresh_platform_plans.refresh_platform_plans(ask.viewer, connection_id=found.id, now=ask.now)
    count = sum(1 for plan in plans if plan.scope == "account" and plan.gone_at is None)
    return ask.done(f"The platform offers {count} plans.", "connections-one", connection_id=connection_id)


@action
def offer(ask: Ask, connection_id: int) -> HttpResponse:
    """Switch a platform plan on or off for one of the seller's plans."""
    found = _connection(ask, connection_id)
    given = ask.request.POST
    ids = [given.get(name, "") for name in ("plan", "platform_plan")]
    if not all(text.isdigit() for text in ids):
        raise Http404
    plan = catalog.plan(ask.viewer, int(ids[0]), today=ask.today())
    known = {entry.id: entry for entry in provisioning.platform_plans(ask.viewer, connection_id)}
    if plan.seller_id != found.seller_id or int(ids[1]) not in known:
        raise Http404
    is_on = plan.id in known[int(ids[1])].offered_with
    change = (
        provisioning_operations.switch_off_platform_plan
        if is_on
        else provisioning_operations.switch_on_platform_plan
    )
    change(ask.viewer, seller_id=found.seller_id, plan_id=plan.id, platform_plan_id=int(ids[1]), now=ask.now)
    return ask.done(
        f"{known[int(ids[1])].name} is {'no longer' if is_on else 'now'} offered with {plan.name}.",
        "connections-one",
        connection_id=connection_id,
    )


def _connection(ask: Ask, connection_id: int) -> ConnectionView:
    ask.require_seller()
    return provisioning.connection(ask.viewer, connection_id)


def _check(ask: Ask, found: ConnectionView) -> HttpResponse:
    accounts.require_seller(ask.viewer, found.seller_id)
    try:
        checked = check_connection.check_connection(ask.viewer, connection_id=found.id, now=ask.now)
        if checked.condition == "ok" and _is_platform(checked.connector):
            refresh_platform_plans.refresh_platform_plans(ask.viewer, connection_id=found.id, now=ask.now)
    except OUTSIDE as error:
        return ask.failed(str(error), "connections-one", connection_id=found.id)
    if checked.condition == "ok":
        return ask.done("The connection works.", "connections-one", connection_id=found.id)
    return ask.failed(
        "The connection cannot be used yet. See below why.", "connections-one", connection_id=found.id
    )


def _settings(found: ConnectionView) -> list[tuple[str, object]]:
    """The settings that are no secrets, under the names of the form."""
    lines = contract.setting_fields(settings_class=registry.get(found.connector).settings_class)
    shown = [(line.label, found.settings.get(line.name, "")) for line in lines if not line.is_secret]
    return [
        (label, "yes" if value is True else "no" if value is False else value)
        for label, value in shown
        if value != ""
    ]


def _is_platform(code: str) -> bool:
    return exchange.ACCOUNT in registry.get(code).kinds


def _form(ask: Ask, form, title: str, button: str, is_platform: bool, connection=None) -> HttpResponse:
    return ask.page(
        "connections/form.html",
        form=form,
        title=title,
        button=button,
        is_platform=is_platform,
        connection=connection,
        status=422 if form.errors else 200,
    )
