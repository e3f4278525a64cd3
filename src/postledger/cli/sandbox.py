"""Run a sandbox of the hosting platform and its portal, for trials and tests; or check how a platform compares."""

from postledger_sandbox.main import command

__all__ = ["command"]
