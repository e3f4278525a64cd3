# SPDX-License-Identifier: Apache-2.0
from postledger_sandbox.main import command

command()
