"""Billing and provisioning for hosted Exchange."""
