# SPDX-License-Identifier: Apache-2.0
"""What goes over the wire, byte by byte where it matters: envelopes, nulls, lists, DataSets, faults, odd requests."""

import gzip

import pytest
from lxml import etree

from tests.sandbox import client as clients
from tests.sandbox.client import SOAP11, SOAP12

MAIN = {"W": "http://smbsaas/websitepanel/enterpriseserver", "S": "http://smbsaas/solidcp/enterpriseserver"}
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"


def body_of(reply):
    return etree.tostring(reply.xml.find(f"{{{SOAP11}}}Body")[0]).decode()


def post(client, operation, body, service="esUsers", **headers):
    return client.post(service, client.action(service, operation), body, **headers)


def by_name(client, name, **headers):
    body = (
        f'<GetUserByUsername xmlns="{MAIN[client.dialect]}"><username>{name}</username></GetUserByUsername>'
    )
    return post(client, "GetUserByUsername", body, **headers)


def add_user(client, inner):
    """What AddUser makes of an object: the user that came of it, or the fault."""
    password = "<password>Secret-9</password>" if client.dialect == "S" else ""
    body = f'<AddUser xmlns="{MAIN[client.dialect]}"><user>{inner}</user><sendLetter>false</sendLetter>{password}</AddUser>'
    reply = post(client, "AddUser", body)
    return reply.fault if reply.status == 500 else client.call("esUsers", "GetUserByUsername", username="new")


NEW = "<OwnerId>2</OwnerId><Username>new</Username><RoleId>3</RoleId><StatusId>1</StatusId>"


# Answers


def test_an_answer_carries_addressing_headers(client):
    reply = by_name(client, "nobody")
    assert reply.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert reply.headers["Cache-Control"] == "private, max-age=0"
    assert clients.without_ids(reply.text) == (
        f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{SOAP11}"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
        f' xmlns:wsa="{ADDRESSING}"><soap:Header><wsa:Action>{MAIN[client.dialect]}/GetUserByUsernameResponse'
        "</wsa:Action><wsa:MessageID>urn:uuid:…</wsa:MessageID><wsa:RelatesTo>urn:uuid:…</wsa:RelatesTo>"
        f"<wsa:To>{ADDRESSING}/role/anonymous</wsa:To></soap:Header><soap:Body>"
        f'<GetUserByUsernameResponse xmlns="{MAIN[client.dialect]}" /></soap:Body></soap:Envelope>'
    )


def test_a_service_without_policy_adds_a_timestamp(client):
    body = '<GetOrganization xmlns="http://tempuri.org/"><itemId>404</itemId></GetOrganization>'
    reply = client.post("esOrganizations", "http://tempuri.org/GetOrganization", body)
    assert "<wsse:Security><wsu:Timestamp" in reply.text
    assert "<wsse:Security" not in by_name(client, "nobody").text


def test_an_answer_relates_to_the_message_it_answers(client):
    envelope = (
        f'<s:Envelope xmlns:s="{SOAP11}"><s:Header><MessageID xmlns="{ADDRESSING}">urn:mine</MessageID></s:Header>'
        f'<s:Body><UserExists xmlns="{MAIN[client.dialect]}"/></s:Body></s:Envelope>'
    )
    reply = client.send("esUsers", client.action("esUsers", "UserExists"), envelope.encode())
    assert "<wsa:RelatesTo>urn:mine</wsa:RelatesTo>" in reply.text


def test_null_and_empty_differ_and_markup_is_escaped(client, household):
    user_id, _ = household.customer()
    user = client.call("esUsers", "GetUserById", userId=user_id)
    assert user["LastName"] == "O'Neil & <Søn>"
    client.call("esUsers", "UpdateUser", user={**user, "City": "", "Comments": "line 1\nline 2\ttab"})
    reply = by_name(client, "acme")
    assert "<City />" in reply.text
    assert "<Address" not in reply.text
    assert "<Comments>line 1\nline 2\ttab</Comments>" in reply.text
    assert "<LastName>O'Neil &amp; &lt;Søn&gt;</LastName>" in reply.text


def test_an_empty_list_is_an_empty_element(client, household):
    user_id, _ = household.customer()
    body = f'<GetUsers xmlns="{MAIN[client.dialect]}"><ownerId>{user_id}</ownerId></GetUsers>'
    assert "<GetUsersResult />" in post(client, "GetUsers", body).text


def test_a_null_in_a_list_is_a_nil_item(client, sandbox):
    sandbox.world.store.settings.add({"Key": "user:2:Mine", "Values": [["Some", ""], ["None", None]]})
    body = f'<GetUserSettings xmlns="{MAIN[client.dialect]}"><userId>2</userId><settingsName>Mine</settingsName></GetUserSettings>'
    text = post(client, "GetUserSettings", body).text
    assert (
        "<SettingsArray><ArrayOfString><string>Some</string><string /></ArrayOfString><ArrayOfString>"
        '<string>None</string><string xsi:nil="true" /></ArrayOfString></SettingsArray>'
    ) in text


def test_a_dataset_has_its_schema_and_rows_with_offsets_in_their_dates(client, sandbox, household):
    user_id, _ = household.customer()
    sandbox.control.change(
        "users", user_id, Created="2026-01-15T14:30:05", Changed="2026-07-15T14:30:05", FirstName=""
    )
    body = f'<GetRawUsers xmlns="{MAIN[client.dialect]}"><ownerId>2</ownerId></GetRawUsers>'
    text = body_of(post(client, "GetRawUsers", body))
    assert '<xs:schema id="NewDataSet"' in text or 'id="NewDataSet"' in text
    assert '<xs:element name="UserID" type="xs:int" minOccurs="0"/>' in text
    assert "<Created>2026-01-15T14:30:05-05:00</Created>" in text
    assert "<Changed>2026-07-15T14:30:05-04:00</Changed>" in text
    assert "<FirstName></FirstName>" in text or "<FirstName/>" in text
    assert "<Comments" not in text.partition("diffgram")[2]
    user = client.call("esUsers", "GetUserById", userId=user_id)
    assert user["Created"] == "2026-01-15T14:30:05"


def test_a_dataset_without_rows_is_an_empty_diffgram_with_schema(client):
    text = post(
        client,
        "GetRawUserPeers",
        f'<GetRawUserPeers xmlns="{MAIN[client.dialect]}"><userId>2</userId></GetRawUserPeers>',
    ).text
    assert 'xmlns:diffgr="urn:schemas-microsoft-com:xml-diffgram-v1" /></GetRawUserPeersResult>' in text
    assert '<xs:element name="FullName1"' in text


def test_an_object_with_an_undefined_enum_cannot_be_sent(client, sandbox, household):
    user_id, _ = household.customer()
    sandbox.control.change("users", user_id, RoleId=0)
    assert "'0' is not a valid value for" in by_name(client, "acme").fault
    body = f'<GetUsers xmlns="{MAIN[client.dialect]}"><ownerId>2</ownerId></GetUsers>'
    assert post(client, "GetUsers", body).status == 500


def test_a_long_answer_is_compressed_when_asked(client):
    body = f'<GetHostingPlans xmlns="{MAIN[client.dialect]}"><userId>2</userId></GetHostingPlans>'
    reply = post(client, "GetHostingPlans", body, service="esPackages", Accept_Encoding="gzip, deflate")
    assert reply.headers["Content-Encoding"] == "gzip"
    assert b"Exchange Small" in gzip.decompress(reply.body)
    assert "Content-Encoding" not in post(client, "GetHostingPlans", body, service="esPackages").headers


# Requests


def test_order_does_not_matter_and_unknown_elements_are_skipped(client):
    user = add_user(
        client,
        "<Whatever>1</Whatever><Username>new</Username><StatusId>1</StatusId><OwnerId>2</OwnerId><RoleId>3</RoleId>",
    )
    assert (user["Username"], user["OwnerId"], user["Role"]) == ("new", 2, "User")


def test_another_case_or_namespace_loses_the_value_silently(client):
    user = add_user(client, f'{NEW}<email>a@b.c</email><City xmlns="urn:other">Bonn</City>')
    assert "Email" not in user
    assert "City" not in user


def test_a_nil_string_becomes_an_empty_one_and_a_nil_number_is_a_fault(client):
    nil = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"'
    assert add_user(client, f"{NEW}<City {nil}/>")["City"] == ""
    assert add_user(client, f"{NEW}<UserId {nil}/>") == (
        "Server was unable to read request. ---> There is an error in the XML document. --->"
        " Input string was not in a correct format."
    )


@pytest.mark.parametrize(
    "inner",
    ["<UserId></UserId>", "<UserId>four</UserId>", "<UserId>99999999999</UserId>", "<IsDemo>True</IsDemo>",
     "<Role>Superuser</Role>", "<Role>3</Role>", "<Role>user</Role>", "<Role></Role>",
     "<Created></Created>", "<Created>22.04.2011</Created>"],
)  # fmt: skip
def test_a_value_that_cannot_be_read_is_a_fault_and_nothing_is_done(client, inner):
    assert add_user(client, NEW + inner).startswith("Server was unable to read request. ---> ")
    assert client.call("esUsers", "UserExists", username="new") is False


def test_numbers_and_booleans_may_have_blanks_around_them_and_strings_keep_theirs(client):
    user = add_user(client, f"{NEW}<HtmlMail> 1 </HtmlMail><FirstName> Ann </FirstName><IsPeer>0</IsPeer>")
    assert (user["HtmlMail"], user["FirstName"], user["IsPeer"]) == (True, " Ann ", False)


def test_of_a_role_and_its_number_the_later_wins(client):
    assert add_user(client, f"{NEW}<Role>User</Role><RoleId>2</RoleId>")["Role"] == "Reseller"


def test_of_a_role_and_its_number_the_later_wins_also_the_other_way(client):
    assert add_user(client, f"{NEW}<RoleId>2</RoleId><Role>User</Role>")["Role"] == "User"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2011-04-22T14:30:05", "2011-04-22T14:30:05"),
        ("2011-04-22T14:30:05Z", "2011-04-22T14:30:05"),
        ("2011-04-22T14:30:05+02:00", "2011-04-22T08:30:05"),
        ("2011-04-22", "2011-04-22T00:00:00"),
        ("2011-04-22T14:30:05.12345678", "2011-04-22T14:30:05.1234568"),
    ],
)
def test_dates_are_taken_as_the_server_takes_them(client, household, sent, kept):
    _, package_id = household.customer()
    inner = f"<packageId>{package_id}</packageId><statusId>1</statusId><planId>{household.plan_id('Exchange Small')}</planId>"
    body = (
        f'<UpdatePackageLiteral xmlns="{MAIN[client.dialect]}">{inner}<purchaseDate>{sent}</purchaseDate>'
        "</UpdatePackageLiteral>"
    )
    assert post(client, "UpdatePackageLiteral", body, service="esPackages").status == 200
    assert client.call("esPackages", "GetPackage", packageId=package_id)["PurchaseDate"] == kept


def test_the_action_alone_chooses_the_operation(client):
    body = (
        f'<GetUserByUsername xmlns="{MAIN[client.dialect]}"><username>reseller</username></GetUserByUsername>'
    )
    reply = post(client, "UserExists", body)
    assert "<UserExistsResult>false</UserExistsResult>" in reply.text


def test_a_body_in_another_namespace_runs_without_arguments(client):
    reply = post(
        client,
        "GetUserByUsername",
        '<GetUserByUsername xmlns="urn:x"><username>reseller</username></GetUserByUsername>',
    )
    assert (reply.status, "Result" in reply.text) == (200, False)


def test_an_unknown_action_is_a_fault_of_the_client(client):
    reply = client.post("esUsers", f"{MAIN[client.dialect]}/NoSuch", "<NoSuch/>")
    assert "<faultcode>soap:Client</faultcode>" in reply.text
    assert reply.fault.startswith("Server did not recognize the value of HTTP Header SOAPAction")


def test_without_an_action_the_fault_is_in_soap_12(client):
    reply = client.post("esUsers", None, "<x/>")
    assert reply.status == 500
    assert reply.headers["Content-Type"].startswith("application/soap+xml")
    assert reply.fault.startswith("WSE012")


def test_an_action_needs_no_quotation_marks(client):
    body = f'<UserExists xmlns="{MAIN[client.dialect]}"><username>reseller</username></UserExists>'
    reply = post(client, "UserExists", body, SOAPAction=client.action("esUsers", "UserExists"))
    assert "<UserExistsResult>true</UserExistsResult>" in reply.text


@pytest.mark.parametrize("where", ["media type", "header"])
def test_soap_12_carries_the_action_in_either_place(client, where):
    action = client.action("esUsers", "UserExists")
    envelope = f'<s:Envelope xmlns:s="{SOAP12}"><s:Body><UserExists xmlns="{MAIN[client.dialect]}"><username>reseller</username></UserExists></s:Body></s:Envelope>'
    media_type = "application/soap+xml; charset=utf-8"
    if where == "media type":
        reply = client.send(
            "esUsers", None, envelope.encode(), Content_Type=f'{media_type}; action="{action}"'
        )
    else:
        reply = client.send("esUsers", action, envelope.encode(), Content_Type=media_type)
    assert reply.headers["Content-Type"] == "application/soap+xml; charset=utf-8"
    assert "<UserExistsResult>true</UserExistsResult>" in reply.text


def test_a_fault_in_soap_12_has_code_reason_and_detail(client):
    envelope = f'<s:Envelope xmlns:s="{SOAP12}"><s:Body><DeleteUser xmlns="{MAIN[client.dialect]}"><userId>404</userId></DeleteUser></s:Body></s:Envelope>'
    reply = client.send(
        "esUsers",
        client.action("esUsers", "DeleteUser"),
        envelope.encode(),
        Content_Type="application/soap+xml",
    )
    assert (
        "<soap:Fault><soap:Code><soap:Value>soap:Receiver</soap:Value></soap:Code><soap:Reason>"
        '<soap:Text xml:lang="en">Server was unable to process request. ---&gt; Object reference not set to an'
        " instance of an object.</soap:Text></soap:Reason><soap:Detail /></soap:Fault>"
    ) in reply.text


def test_a_fault_in_soap_11_has_an_empty_detail(client):
    reply = post(
        client, "DeleteUser", f'<DeleteUser xmlns="{MAIN[client.dialect]}"><userId>404</userId></DeleteUser>'
    )
    assert reply.status == 500
    assert (
        "<soap:Fault><faultcode>soap:Server</faultcode><faultstring>Server was unable to process request. ---&gt;"
        " Object reference not set to an instance of an object.</faultstring><detail /></soap:Fault>"
    ) in reply.text


@pytest.mark.parametrize(
    "body", [b"", b"<soap", b"\xff\xfe", b"<a/>", b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>']
)
def test_what_is_no_envelope_is_a_fault(client, body):
    reply = client.send("esUsers", client.action("esUsers", "UserExists"), body)
    assert reply.status == 500
    assert (
        reply.fault
        == "Server was unable to process request. ---> Object reference not set to an instance of an object."
    )


def test_a_header_that_must_be_understood_and_is_not_is_a_fault(client):
    envelope = (
        f'<s:Envelope xmlns:s="{SOAP11}"><s:Header><x xmlns="urn:x" s:mustUnderstand="1"/></s:Header>'
        f'<s:Body><UserExists xmlns="{MAIN[client.dialect]}"/></s:Body></s:Envelope>'
    )
    reply = client.send("esUsers", client.action("esUsers", "UserExists"), envelope.encode())
    assert "<faultcode>soap:MustUnderstand</faultcode>" in reply.text
    harmless = envelope.replace(' s:mustUnderstand="1"', "")
    assert client.send("esUsers", client.action("esUsers", "UserExists"), harmless.encode()).status == 200


def test_another_media_type_gets_a_page_not_a_fault(client):
    reply = client.send(
        "esUsers", client.action("esUsers", "UserExists"), b"{}", Content_Type="application/json"
    )
    assert reply.status == 500
    assert reply.headers["Content-Type"] == "text/html"
