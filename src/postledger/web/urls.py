"""Routes of the panels. The first part of a name, before a hyphen, is the area of the menu it belongs to."""

from django.urls import include, path

from postledger.web.adoption import urls as adoption
from postledger.web.billing import views as billing
from postledger.web.connections import views as connections
from postledger.web.customers import views as customers
from postledger.web.exchange import recipients
from postledger.web.exchange import views as exchange
from postledger.web.invoices import views as invoices
from postledger.web.overview import views as overview
from postledger.web.people import views as people
from postledger.web.plan import views as plan
from postledger.web.plans import views as plans
from postledger.web.selling import views as selling

EXCHANGE = [
    path("", exchange.overview, name="exchange"),
    path("add/", exchange.add, name="exchange-add"),
    path("progress/", exchange.progress, name="exchange-progress"),
    path("open/", exchange.sign_on, name="exchange-open"),
    path("remove/", exchange.remove, name="exchange-remove"),
    path("unlink/", exchange.unlink, name="exchange-unlink"),
    path("size/", exchange.size, name="exchange-size"),
    path("things/<int:resource_id>/again/", exchange.look_again, name="exchange-again"),
    path("domains/add/", exchange.add_domain, name="exchange-domain-add"),
    path("domains/<int:resource_id>/", exchange.domain, name="exchange-domain"),
    path("domains/<int:resource_id>/check/", exchange.check_dns, name="exchange-domain-check"),
    path("domains/<int:resource_id>/default/", exchange.make_default, name="exchange-domain-default"),
    path("domains/<int:resource_id>/remove/", exchange.remove_domain, name="exchange-domain-remove"),
    path("mailboxes/", recipients.mailboxes, name="exchange-mailboxes"),
    path("mailboxes/add/", exchange.add_mailbox, name="exchange-mailbox-add"),
    path("mailboxes/<int:resource_id>/", recipients.mailbox, name="exchange-mailbox"),
    path("mailboxes/<int:resource_id>/delete/", exchange.delete_mailbox, name="exchange-mailbox-delete"),
    path("mailboxes/<int:resource_id>/password/", exchange.password, name="exchange-mailbox-password"),
    path("contacts/", recipients.contacts, name="exchange-contacts"),
    path("contacts/add/", recipients.add_contact, name="exchange-contact-add"),
    path("contacts/<int:resource_id>/", recipients.contact, name="exchange-contact"),
    path("contacts/<int:resource_id>/remove/", recipients.remove_contact, name="exchange-contact-remove"),
    path("lists/", recipients.lists, name="exchange-lists"),
    path("lists/add/", recipients.add_list, name="exchange-list-add"),
    path("lists/<int:resource_id>/", recipients.one_list, name="exchange-list"),
    path("lists/<int:resource_id>/change/", recipients.change_list, name="exchange-list-change"),
    path("lists/<int:resource_id>/remove/", recipients.remove_list, name="exchange-list-remove"),
    path("folders/", recipients.folders, name="exchange-folders"),
    path("folders/add/", recipients.add_folder, name="exchange-folder-add"),
    path("folders/<int:resource_id>/", recipients.folder, name="exchange-folder"),
    path("folders/<int:resource_id>/delete/", recipients.delete_folder, name="exchange-folder-delete"),
]
PLAN = [
    path("", plan.overview, name="plan"),
    path("subscribe/", plan.subscribe, name="plan-subscribe"),
    path("quantities/", plan.quantities, name="plan-quantities"),
    path("change/", plan.change, name="plan-change"),
    path("period/", plan.period, name="plan-period"),
    path("monthly/", plan.monthly, name="plan-monthly"),
    path("start/", plan.start, name="plan-start"),
    path("switch/<str:charge>/", plan.switch, name="plan-switch"),
    path("package/<str:package>/", plan.package, name="plan-package"),
    path("cancel/", plan.cancel, name="plan-cancel"),
]
ACCOUNT = [
    path("", overview.account, name="account"),
    path("history/", overview.history, name="account-history"),
    path("edit/", customers.edit, name="account-edit"),
    path("people/", people.listed, name="people"),
    path("people/add/", people.add, name="people-add"),
    path("people/<int:user_id>/", people.one, name="people-one"),
    path("people/<int:user_id>/invite/", people.invite, name="people-invite"),
    path("suspend/", customers.suspend, name="account-suspend"),
    path("resume/", customers.resume, name="account-resume"),
    path("activate/", customers.activate, name="account-activate"),
    path("exchange/", include(EXCHANGE)),
    path("plan/", include(PLAN)),
    path("invoices/", invoices.of_account, name="invoice-list"),
    path("statement/", invoices.statement, name="statement"),
    path("statement.pdf", invoices.statement_pdf, name="statement-pdf"),
    path("payment/", customers.payment, name="money-payment"),
    path("terms/", customers.terms, name="money-terms"),
    path("approve/", customers.approve, name="money-approve"),
    path("credit/", customers.credit, name="money-credit"),
    path("debit/", customers.debit, name="money-debit"),
]
CONNECTION = [
    path("", connections.one, name="connections-one"),
    path("edit/", connections.edit, name="connections-edit"),
    path("check/", connections.check, name="connections-check"),
    path("refresh/", connections.refresh, name="connections-refresh"),
    path("offer/", connections.offer, name="connections-offer"),
]
urlpatterns = [
    path("", overview.home, name="home"),
    path("you/", overview.you, name="settings"),
    path("you/tokens/", people.tokens, name="settings-tokens"),
    path("you/tokens/<int:token_id>/revoke/", people.revoke, name="settings-revoke"),
    path("sign-in/", include("allauth.urls")),
    path("accounts/<int:account_id>/", include(ACCOUNT)),
    path("invoices/", invoices.issued, name="invoices"),
    path("invoices/<int:invoice_id>/", invoices.one, name="invoice"),
    path("invoices/<int:invoice_id>.pdf", invoices.pdf, name="invoice-pdf"),
    path("customers/", customers.listed, name="customers"),
    path("customers/add/", customers.add, name="customers-add"),
    path("plans/", plans.listed, name="plans"),
    path("plans/add/", plans.add, name="plans-add"),
    path("plans/<int:plan_id>/", plans.one, name="plans-one"),
    path("plans/<int:plan_id>/edit/", plans.edit, name="plans-edit"),
    path("plans/<int:plan_id>/offer/", plans.offer, name="plans-offer"),
    path("connections/", connections.listed, name="connections"),
    path("connections/add/", connections.choose, name="connections-choose"),
    path("connections/add/<slug:connector>/", connections.add, name="connections-add"),
    path("connections/<int:connection_id>/", include(CONNECTION)),
    path("adoption/", include(adoption.urlpatterns)),
    path("billing/", billing.overview, name="billing"),
    path("billing/start/", billing.start, name="billing-start"),
    path("billing/progress/", billing.progress, name="billing-progress"),
    path("billing/parked/<int:subscription_id>/release/", billing.release, name="billing-release"),
    path("selling/", selling.settings, name="selling"),
    path("debtors/", billing.debtors, name="debtors"),
    path("margins/", billing.margins, name="margins"),
]
