# SPDX-License-Identifier: Apache-2.0
"""What only the later generations have for mailboxes: replies, rooms that book, retention, disclaimers, journals."""

import base64

import pytest

from postledger_sandbox.server import Sandbox


@pytest.fixture
def dialect():
    return "S"


@pytest.fixture
def item_id(household):
    return household.organization(household.customer(plan="Exchange Large")[1])


@pytest.fixture
def ann(household, item_id):
    return household.mailbox(item_id, f"ann@{household.default_domain(item_id)}")


@pytest.fixture
def ex(client, item_id):
    def call(operation, **given):
        if "itemId" in dict(client.contract.services["esExchangeServer"].operations[operation].parameters):
            given["itemId"] = item_id
        return client.call("esExchangeServer", operation, **given)

    return call


def test_a_mailbox_answers_while_its_owner_is_away(ex, ann):
    before = ex("GetMailboxAutoReplySettings", accountId=ann)
    assert (before["AutoReplyState"], before["ExternalAudience"]) == ("Disabled", "None")
    settings = {"AutoReplyState": "Enabled", "ExternalAudience": "All", "InternalMessage": "Back on Monday"}
    assert ex("SetMailboxAutoReplySettings", accountId=ann, settings=settings) == 0
    assert settings.items() <= ex("GetMailboxAutoReplySettings", accountId=ann).items()


def test_a_room_books_itself_and_has_delegates(ex, ann, household, item_id):
    room = household.mailbox(item_id, f"room@{household.default_domain(item_id)}", accountType="Room")
    settings = ex("GetResourceMailboxSettings", accountId=room)
    assert (settings["DisplayName"], settings["AutomateProcessing"]) == ("Room", "AutoAccept")
    delegate = ex("GetAccount", accountId=ann)
    changed = {**settings, "ResourceCapacity": 12, "ResourceDelegates": [delegate]}
    assert ex("SetResourceMailboxSettings", accountId=room, resourceSettings=changed) == 0
    found = ex("GetResourceMailboxSettings", accountId=room)
    assert found["ResourceCapacity"] == 12
    assert [each["AccountId"] for each in found["ResourceDelegates"]] == [ann]


def test_a_picture_comes_back_as_it_was_sent(ex, ann):
    assert "Value" not in ex("GetPicture", accountId=ann)
    picture = base64.b64encode(bytes(range(256))).decode()
    assert ex("SetPicture", accountId=ann, picture=picture)["IsSuccess"] is True
    assert ex("GetPicture", accountId=ann)["Value"] == picture


def test_retention_tags_belong_to_an_organization_and_are_tied_to_plans(ex, household, item_id):
    plan_id = household.mailbox_plan(item_id, "Small 2 GB")
    tag_id = ex("AddExchangeRetentionPolicyTag", tag={"TagName": "A year", "AgeLimitForRetention": 365})[
        "Value"
    ]
    ex("UpdateExchangeRetentionPolicyTag", tag={"TagID": tag_id, "TagName": "Two years"})
    (tag,) = ex("GetExchangeRetentionPolicyTags")
    assert (tag["TagID"], tag["TagName"], tag["ItemID"]) == (tag_id, "Two years", item_id)
    link = {"TagID": tag_id, "MailboxPlanId": plan_id}
    ex("AddExchangeMailboxPlanRetentionPolicyTag", planTag=link)
    (found,) = ex("GetExchangeMailboxPlanRetentionPolicyTags", policyId=plan_id)
    assert (found["TagName"], found["MailboxPlan"]) == ("Two years", "Small 2 GB")
    ex("DeleteExchangeRetentionPolicyTag", tagId=tag_id)
    assert ex("GetExchangeMailboxPlanRetentionPolicyTags", policyId=plan_id) == []


def test_a_disclaimer_is_chosen_for_a_mailbox(ex, ann):
    disclaimer = {"DisclaimerName": "Legal", "DisclaimerText": "<p>Confidential & more</p>"}
    disclaimer_id = ex("AddExchangeDisclaimer", disclaimer=disclaimer)
    assert disclaimer.items() <= ex("GetExchangeDisclaimer", exchangeDisclaimerId=disclaimer_id).items()
    ex("SetExchangeAccountDisclaimerId", AccountID=ann, ExchangeDisclaimerId=disclaimer_id)
    assert ex("GetExchangeAccountDisclaimerId", AccountID=ann) == disclaimer_id
    assert ex("DeleteExchangeDisclaimer", exchangeDisclaimerId=disclaimer_id) == 0
    assert ex("GetExchangeDisclaimers") == []


def test_a_journal_rule_is_kept_for_its_address(ex):
    values = {"journalEmail": "journal@acme.example", "scope": "Global", "enabled": True}
    ex("CreateJournalRule", **values, recipientEmail="all@acme.example")
    rule = ex("GetJournalRule", journalEmail="journal@acme.example")
    assert (rule["Scope"], rule["Recipient"], rule["Enabled"]) == ("Global", "all@acme.example", True)
    assert ex("SetJournalRule", rule={**rule, "Enabled": False}) == 0
    assert ex("GetJournalRule", journalEmail="journal@acme.example")["Enabled"] is False
    assert ex("GetJournalRule", journalEmail="other@acme.example") is None


def test_all_of_it_goes_with_the_organization_and_survives_a_restart(tmp_path, client, household):
    path = tmp_path / "state"
    with Sandbox(dialect="S", state=path, delay_s=0) as sandbox:
        theirs = type(client)(sandbox.url, "S")
        item_id = type(household)(sandbox, theirs).whole()[2]
        theirs.call("esExchangeServer", "AddExchangeDisclaimer", itemId=item_id, disclaimer={})
        theirs.call("esExchangeServer", "AddExchangeRetentionPolicyTag", itemId=item_id, tag={})
    with Sandbox(dialect="S", state=path, delay_s=0) as sandbox:
        theirs = type(client)(sandbox.url, "S")
        assert len(theirs.call("esExchangeServer", "GetExchangeDisclaimers", itemId=item_id)) == 1
        theirs.call("esOrganizations", "DeleteOrganization", itemId=item_id)
        assert sandbox.control.rows("disclaimers") == sandbox.control.rows("retention_tags") == []
