"""Connectors are found by entry point, and only those of our contract are used."""

import pytest

from postledger.connectors import contract, registry
from postledger.connectors.powerdns.settings import Settings as PowerDns


def test_our_own_connectors_are_found_like_any_other() -> None:
    assert {"wsp", "powerdns", "rfc2136"} <= set(registry.codes())


@pytest.mark.parametrize("code", registry.codes())
def test_each_connector_keeps_the_contract(code: str) -> None:
    connector = registry.get(code)
    assert connector.code == code
    assert connector.contract_version == contract.CONTRACT_VERSION
    assert connector.kinds
    lines = contract.setting_fields(settings_class=connector.settings_class)
    assert lines
    assert all(line.label and not line.label.endswith(".") for line in lines)


def test_an_unknown_connector_is_refused_with_those_there_are() -> None:
    with pytest.raises(registry.UnknownConnector, match="wsp"):
        registry.get("nothing")


def test_a_connector_of_another_contract_is_refused() -> None:
    class Other:
        contract_version = 99

    with pytest.raises(registry.UnsupportedConnector, match="99"):
        registry.accepted(code="other", connector=Other())


def test_settings_come_from_form_texts() -> None:
    made = registry.settings(
        code="powerdns",
        values={"url": " http://x ", "api_key": "k", "timeout_s": "7", "verify_tls": "off", "csrf": "?"},
    )
    assert made == PowerDns(url="http://x", api_key=contract.Secret("k"), timeout_s=7, verify_tls=False)


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(registry.InvalidSettings, match="API key"):
        registry.settings(code="powerdns", values={"url": "http://x", "api_key": ""})
    with pytest.raises(registry.InvalidSettings, match="Time limit"):
        registry.settings(code="powerdns", values={"url": "http://x", "api_key": "k", "timeout_s": "soon"})


def test_secrets_are_kept_apart_and_do_not_show() -> None:
    made = PowerDns(url="http://x", api_key=contract.Secret("open-sesame"))
    assert registry.stored(settings=made, secrets=True) == {"api_key": "open-sesame"}
    assert "api_key" not in registry.stored(settings=made, secrets=False)
    assert "open-sesame" not in repr(made)


def test_a_sign_on_does_not_show_its_password() -> None:
    form = contract.SignOn(action="https://p/", fields={"password": "open-sesame"})
    assert "open-sesame" not in repr(form)
