"""The demo, played as a user plays it: real processes, real SOAP, a real worker, and the numbers checked by hand."""

import json
import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("dialect", ["W", "S"])
def test_the_story_ends_with_the_right_invoices(fresh_db, tmp_path, dialect):
    done = subprocess.run(
        [sys.executable, "-m", "postledger.cli.main", "demo", "--json", "--dialect", dialect],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env={**os.environ, "POSTLEDGER_HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    played = json.loads(done.stdout)
    customers = {customer["code"]: customer for customer in played["customers"]}
    assert played["again"]["is_unchanged"]
    assert {customer["progress"] for customer in customers.values()} == {"Everything is set up."}

    acme = customers["acme"]
    assert not acme["platform"]["is_linked"]
    assert {record["type"] for record in acme["dns"]["shown"] if record["owner"] == "exchange"} == {
        "MX",
        "CNAME",
    }
    assert [record["type"] for record in acme["dns"]["hidden"]] == ["MX"]
    first, second = acme["invoices"]
    assert first["total"] == "10.00"
    # 3 mailboxes - 2 free = 1 × 8.00; 7475 MB = 7.30 GB - 5 free = 2.30 × 1.50; the next month's fee
    assert [line["amount"] for line in second["lines"]] == ["8.00", "3.45", "10.00"]
    assert acme["balance_after_first_close"] == "-31.45"

    # 4 mailboxes - 2 = 2 × 8.00; 7936 MB = 7.75 GB - 5 = 2.75 × 1.50 = 4.125, halves up
    globex = customers["globex"]
    assert [line["amount"] for line in globex["invoices"][1]["lines"]] == ["16.00", "4.13"]
    # 12 × 12.00 less a tenth, once a year
    fees = [row["base_fee"] for row in played["yearly_customer"]["invoices"]]
    assert fees == ["129.60", *["0.00"] * 11, "129.60"]

    # wholesale on the sum of his customers: 4 × 3.00; 2.75 GB above 5 × 0.50 = 1.375; and his own fee
    wholesale = played["reseller"]["invoices"][1]
    assert [line["amount"] for line in wholesale["lines"]] == ["12.00", "1.38", "6.00"]

    initech = customers["initech"]
    assert (initech["platform"]["username"], initech["platform"]["is_linked"]) == ("initold", True)
    assert [invoice["total"] for invoice in initech["invoices"]] == ["10.00", "10.00"]
