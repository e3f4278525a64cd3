"""SOAP: escaped on the way out, read by name on the way in."""

import pytest

from postledger.connectors.wsp import soap

NS = "http://smbsaas/websitepanel/enterpriseserver"


def _answer(inner: str, *, operation: str = "GetThing", header: str = "") -> bytes:
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        f"{header}<soap:Body>"
        f'<{operation}Response xmlns="{NS}">{inner}</{operation}Response>'
        "</soap:Body></soap:Envelope>"
    ).encode()


def _record(inner: str) -> soap.Record:
    element = soap.result(body=_answer(f"<GetThingResult>{inner}</GetThingResult>"), operation="GetThing")
    return soap.Record(element)


def test_values_cannot_leave_their_element() -> None:
    sent = soap.envelope(namespace=NS, operation="AddUser", members=[("name", "</name><x>&\"'")])
    root = soap.parse(sent)
    call = root[0][0]
    assert [child.tag for child in call] == [f"{{{NS}}}name"]
    assert call[0].text == "</name><x>&\"'"


def test_null_is_left_out_and_truth_is_lower_case() -> None:
    sent = soap.envelope(
        namespace=NS, operation="X", members=[("a", None), ("b", True), ("c", False), ("d", 0), ("e", "")]
    )
    found = {child.tag.rpartition("}")[2]: child.text or "" for child in soap.parse(sent)[0][0]}
    assert found == {"b": "true", "c": "false", "d": "0", "e": ""}


def test_lists_are_sent_item_by_item() -> None:
    sent = soap.envelope(namespace=NS, operation="X", members=[("names", [("string", "a"), ("string", "b")])])
    assert [item.text for item in soap.parse(sent)[0][0][0]] == ["a", "b"]


def test_control_characters_are_refused() -> None:
    with pytest.raises(soap.Unsendable):
        soap.envelope(namespace=NS, operation="X", members=[("a", "bell \x07")])


def test_members_are_read_by_name_whatever_their_order_and_company() -> None:
    found = _record("<Later>?</Later><UserId>5</UserId><New><Deep>1</Deep></New><Username>acme</Username>")
    assert (found.int("userid"), found.text("USERNAME")) == (5, "acme")
    assert found.text("Email") == ""
    assert not found.has("Email")


def test_names_of_private_fields_are_read_as_the_property() -> None:
    found = _record(
        "<userId>5</userId><_x003C_UserName_x003E_k__BackingField>acme</_x003C_UserName_x003E_k__BackingField>"
    )
    assert (found.int("UserId"), found.text("UserName")) == (5, "acme")


def test_nil_is_null() -> None:
    found = _record('<Created xsi:nil="true" /><Items><Item><Id>1</Id></Item><Item xsi:nil="true" /></Items>')
    assert not found.has("Created")
    assert [item.int("Id") for item in found.records("Items")] == [1]


def test_a_null_result_is_none() -> None:
    assert soap.result(body=_answer(""), operation="GetThing") is None
    assert soap.result(body=_answer('<GetThingResult xsi:nil="true" />'), operation="GetThing") is None


def test_reply_headers_do_not_disturb() -> None:
    header = (
        '<soap:Header><w:Security xmlns:w="urn:x"><w:Timestamp>now</w:Timestamp></w:Security></soap:Header>'
    )
    body = _answer("<GetThingResult>7</GetThingResult>", header=header)
    assert soap.result(body=body, operation="GetThing").text == "7"


def test_the_answer_to_another_operation_is_no_answer() -> None:
    with pytest.raises(soap.Unreadable, match="another operation"):
        soap.result(body=_answer("<GetThingResult>7</GetThingResult>"), operation="AddThing")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Service Unavailable</html>",
        b"{}",
        b'<!DOCTYPE x [<!ENTITY a "b">]><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"/>',
        b'<Envelope xmlns="http://www.w3.org/2003/05/soap-envelope"/>',
    ],
)
def test_what_is_no_soap_is_unreadable(body: bytes) -> None:
    with pytest.raises(soap.Unreadable):
        soap.result(body=body, operation="GetThing")


def _fault(code: str, text: str) -> bytes:
    wsse = soap.SECURITY
    return (
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault>'
        f'<faultcode xmlns:q="{wsse}">{code}</faultcode><faultstring>{text}</faultstring><detail />'
        "</soap:Fault></soap:Body></soap:Envelope>"
    ).encode()


def test_a_fault_tells_who_failed() -> None:
    with pytest.raises(soap.Fault) as caught:
        soap.result(body=_fault("soap:Server", "a ---&gt; b"), operation="X")
    assert (caught.value.code, caught.value.text) == ("Server", "a ---> b")
    assert not caught.value.is_security and not caught.value.is_unread
    with pytest.raises(soap.Fault) as caught:
        soap.result(body=_fault("soap:Client", "unreadable"), operation="X")
    assert caught.value.is_unread
    with pytest.raises(soap.Fault) as caught:
        soap.result(body=_fault("q:FailedAuthentication", "no"), operation="X")
    assert caught.value.is_security


DATA_SET = """<GetThingResult>
<xs:schema xmlns="" xmlns:xs="http://www.w3.org/2001/XMLSchema" id="NewDataSet"><xs:element name="NewDataSet"/></xs:schema>
<d:diffgram xmlns:d="urn:schemas-microsoft-com:xml-diffgram-v1" xmlns:m="urn:schemas-microsoft-com:xml-msdata">{rows}</d:diffgram>
</GetThingResult>"""


def _tables(rows: str) -> list[list[soap.Record]]:
    element = soap.result(body=_answer(DATA_SET.replace("{rows}", rows)), operation="GetThing")
    return soap.tables(element)


def test_a_data_set_is_read_without_its_schema() -> None:
    found = _tables(
        '<NewDataSet xmlns=""><Table d:id="Table1"><Column1>2</Column1></Table>'
        '<Table1 d:id="Table11"><UserID>1</UserID><Email /></Table1><Table1 d:id="Table12"><UserID>2</UserID></Table1>'
        "</NewDataSet>"
    )
    assert found[0][0].int("Column1") == 2
    assert [row.int("UserID") for row in found[1]] == [1, 2]
    assert [row.has("Email") for row in found[1]] == [True, False]


def test_a_data_set_without_rows_has_no_tables() -> None:
    assert _tables("") == []


def test_an_absent_table_keeps_its_place() -> None:
    found = _tables('<NewDataSet xmlns=""><Table1><UserID>1</UserID></Table1></NewDataSet>')
    assert [len(rows) for rows in found] == [0, 1]


def test_a_last_row_that_repeats_the_one_before_is_dropped() -> None:
    rows = "<Table><Id>1</Id></Table><Table><Id>2</Id></Table><Table><Id>2</Id></Table>"
    found = _tables(f'<NewDataSet xmlns="">{rows}</NewDataSet>')
    assert [row.int("Id") for row in found[0]] == [1, 2]


def test_a_changed_copy_keeps_what_it_does_not_know() -> None:
    record = _record(
        "<UserId>5</UserId><Email>a</Email><Vlans><UserVlan><VLanID>3</VLanID></UserVlan></Vlans>"
    )
    copy = soap.changed(record, {"Email": "b", "City": "Köln"})
    assert (copy.text("Email"), copy.text("City"), record.text("Email")) == ("b", "Köln", "a")
    sent = soap.envelope(namespace=NS, operation="UpdateUser", members=[("user", copy)])
    user = soap.Record(soap.parse(sent)[0][0][0])
    assert user.names() == ("UserId", "Email", "Vlans", "City")
    assert user.records("Vlans")[0].int("VLanID") == 3
    assert all(child.tag.startswith(f"{{{NS}}}") for child in user.element)
