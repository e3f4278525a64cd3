"""DNS: one text for each content, SPF merged within its limit, zones changed and given back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postledger.resources import dns

ZONE = "example.com"


def _set(name: str, kind: str, *values: str, ttl_s: int = 3600) -> dns.RecordSet:
    return dns.record_set(zone=ZONE, name=name, type=kind, values=values, ttl_s=ttl_s)


def _apply(present: tuple[dns.RecordSet, ...], plan: dns.ZonePlan) -> tuple[dns.RecordSet, ...]:
    found = {entry.key: entry for entry in present}
    for change in plan.changes:
        assert found.get(change.set.key) == change.before
        found.pop(change.set.key, None)
        if change.after is not None:
            found[change.after.key] = change.after
    return tuple(sorted(found.values(), key=lambda entry: entry.key))


@pytest.mark.parametrize(
    ("kind", "typed", "kept"),
    [
        ("MX", "010 Mail.Example.com", "10 mail.example.com."),
        ("CNAME", "Auto.Example.com.", "auto.example.com."),
        ("SRV", "0 0 443  Auto.example.com", "0 0 443 auto.example.com."),
        ("A", " 192.0.2.1", "192.0.2.1"),
        ("AAAA", "2001:0DB8::0001", "2001:db8::1"),
        ("TXT", "v=spf1 ~all", '"v=spf1 ~all"'),
        ("TXT", '"v=spf1" " ~all"', '"v=spf1 ~all"'),
        ("TXT", 'say "hi"', '"say \\"hi\\""'),
    ],
)
def test_content_gets_one_form(kind: str, typed: str, kept: str) -> None:
    assert dns.canonical(type=kind, text=typed) == kept
    assert dns.canonical(type=kind, text=kept) == kept


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        ("MX", "mail.example.com"),
        ("MX", "x mail"),
        ("A", "2001:db8::1"),
        ("AAAA", "1.2.3.4"),
        ("A", "300.1.1.1"),
    ],
)
def test_content_that_is_none_is_refused(kind: str, typed: str) -> None:
    with pytest.raises(dns.InvalidRecord):
        dns.canonical(type=kind, text=typed)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=700))
def test_a_text_of_any_length_comes_back(text: str) -> None:
    if text.strip() and not text.strip().startswith('"'):
        assert dns.txt(content=dns.canonical(type="TXT", text=text)) == text.strip()


def test_a_name_outside_the_zone_is_refused() -> None:
    with pytest.raises(dns.InvalidRecord):
        dns.record_set(zone=ZONE, name="www.example.net", type="A", values=("192.0.2.1",))


def test_our_senders_go_before_the_end_of_an_spf_record() -> None:
    merged = dns.spf_merged(
        present="v=spf1 mx ip4:192.0.2.0/24 -all", mechanisms=("include:spf.host.example",)
    )
    assert merged == "v=spf1 mx ip4:192.0.2.0/24 include:spf.host.example -all"
    assert dns.spf_merged(present=merged, mechanisms=("include:spf.host.example",)) == merged
    assert dns.spf_merged(present=None, mechanisms=("mx",)) == "v=spf1 mx ~all"


def test_an_spf_record_beyond_ten_lookups_is_refused() -> None:
    ten = "v=spf1 " + " ".join(f"include:s{n}.example" for n in range(9)) + " mx ip4:192.0.2.1 -all"
    assert dns.spf_merged(present=ten, mechanisms=("ip4:192.0.2.2",)).endswith("ip4:192.0.2.2 -all")
    with pytest.raises(dns.SpfTooManyLookups, match="11 look-ups"):
        dns.spf_merged(present=ten, mechanisms=("include:ours.example",))
    with pytest.raises(dns.SpfTooManyLookups, match="13 look-ups"):
        dns.spf_merged(
            present="v=spf1 " + " ".join(f"include:s{n}.example" for n in range(9)) + " -all",
            mechanisms=("include:ours.example",),
            costs={"include:ours.example": 4},
        )


def test_two_spf_records_are_refused_and_nothing_is_planned() -> None:
    present = (_set("", "TXT", "v=spf1 mx -all", "v=spf1 a -all"),)
    with pytest.raises(dns.SpfAmbiguous):
        dns.plan_zone(present=present, wanted=(), marks=(), spf={ZONE: ("include:ours.example",)})


def test_a_set_in_the_way_is_hidden_and_comes_back() -> None:
    present = (
        _set("", "MX", "10 old.example.net"),
        _set("www.example.com", "A", "192.0.2.7"),
    )
    wanted = dns.mail_records(zone=ZONE, domain=ZONE, mail_hosts=((10, "mx.ours.example"),))
    plan = dns.plan_zone(present=present, wanted=wanted, marks=())
    now = _apply(present, plan)
    assert [mark.hidden for mark in plan.marks] == [(present[0],)]
    assert set(now) == {*wanted, present[1]}
    assert dns.plan_zone(present=now, wanted=wanted, marks=plan.marks).changes == ()
    back = dns.plan_zone(present=now, wanted=(), marks=plan.marks)
    assert set(_apply(now, back)) == set(present)
    assert back.marks == ()


def test_an_alias_hides_every_set_of_its_name() -> None:
    present = (
        _set("autodiscover.example.com", "A", "192.0.2.7"),
        _set("autodiscover.example.com", "TXT", "hello"),
    )
    wanted = (_set("autodiscover.example.com", "CNAME", "auto.ours.example"),)
    plan = dns.plan_zone(present=present, wanted=wanted, marks=())
    now = _apply(present, plan)
    assert now == wanted
    assert set(_apply(now, dns.plan_zone(present=now, wanted=(), marks=plan.marks))) == set(present)


def test_changing_our_own_set_keeps_what_it_hides() -> None:
    present = (_set("", "MX", "10 old.example.net"),)
    first = dns.plan_zone(present=present, wanted=(_set("", "MX", "10 one.example"),), marks=())
    now = _apply(present, first)
    second = dns.plan_zone(present=now, wanted=(_set("", "MX", "10 two.example"),), marks=first.marks)
    now = _apply(now, second)
    assert now == (_set("", "MX", "10 two.example"),)
    assert _apply(now, dns.plan_zone(present=now, wanted=(), marks=second.marks)) == present


def test_a_set_of_ours_that_somebody_changed_is_left_to_them() -> None:
    first = dns.plan_zone(present=(), wanted=(_set("", "MX", "10 one.example"),), marks=())
    theirs = (_set("", "MX", "10 customer.example"),)
    plan = dns.plan_zone(present=theirs, wanted=(), marks=first.marks)
    assert plan.changes == ()
    assert plan.left == theirs


def test_a_set_that_is_right_already_is_taken_as_it_is() -> None:
    present = (_set("", "MX", "10 one.example"),)
    plan = dns.plan_zone(present=present, wanted=present, marks=())
    assert plan.changes == ()
    assert [mark.made for mark in plan.marks] == list(present)


def test_other_texts_of_the_name_survive_the_merge_and_the_restore() -> None:
    present = (_set("", "TXT", "v=spf1 mx -all", "site-verification=1"),)
    spf = {ZONE: ("include:ours.example",)}
    plan = dns.plan_zone(present=present, wanted=(), marks=(), spf=spf)
    now = _apply(present, plan)
    assert now == (_set("", "TXT", "v=spf1 mx include:ours.example -all", "site-verification=1"),)
    assert dns.plan_zone(present=now, wanted=(), marks=plan.marks, spf=spf).changes == ()
    assert _apply(now, dns.plan_zone(present=now, wanted=(), marks=plan.marks)) == present


def test_an_spf_record_we_made_goes_again_unless_somebody_added_to_it() -> None:
    spf = {ZONE: ("include:ours.example",)}
    plan = dns.plan_zone(present=(), wanted=(), marks=(), spf=spf)
    now = _apply((), plan)
    assert now == (_set("", "TXT", "v=spf1 include:ours.example ~all"),)
    assert _apply(now, dns.plan_zone(present=now, wanted=(), marks=plan.marks)) == ()
    added = (_set("", "TXT", "v=spf1 include:ours.example include:news.example ~all"),)
    left = _apply(added, dns.plan_zone(present=added, wanted=(), marks=plan.marks))
    assert left == (_set("", "TXT", "v=spf1 include:news.example ~all"),)


def test_a_sender_the_customer_had_before_us_stays_when_we_leave() -> None:
    present = (_set("", "TXT", "v=spf1 include:ours.example -all"),)
    plan = dns.plan_zone(present=present, wanted=(), marks=(), spf={ZONE: ("include:ours.example",)})
    assert plan.changes == ()
    assert _apply(present, dns.plan_zone(present=present, wanted=(), marks=plan.marks)) == present


sets = st.lists(
    st.sampled_from(
        [
            _set("", "MX", "10 old.example.net"),
            _set("", "A", "192.0.2.1"),
            _set("", "TXT", "v=spf1 mx -all"),
            _set("", "TXT", "hello"),
            _set("autodiscover.example.com", "A", "192.0.2.2"),
            _set("autodiscover.example.com", "CNAME", "x.example.net"),
            _set("www.example.com", "CNAME", "y.example.net"),
        ]
    ),
    unique_by=lambda entry: entry.key,
)


@given(present=sets)
def test_adding_and_removing_mail_always_gives_the_zone_back(present: list[dns.RecordSet]) -> None:
    names = {entry.name for entry in present if entry.type == "CNAME"}
    zone = tuple(entry for entry in present if entry.type == "CNAME" or entry.name not in names)
    wanted = dns.mail_records(
        zone=ZONE, domain=ZONE, mail_hosts=((10, "mx.ours.example"),), autodiscover="auto.ours.example"
    )
    spf = {ZONE: ("include:ours.example",)}
    plan = dns.plan_zone(present=zone, wanted=wanted, marks=(), spf=spf)
    now = _apply(zone, plan)
    assert set(wanted) <= set(now)
    assert dns.plan_zone(present=now, wanted=wanted, marks=plan.marks, spf=spf).changes == ()
    assert set(_apply(now, dns.plan_zone(present=now, wanted=(), marks=plan.marks))) == set(zone)
