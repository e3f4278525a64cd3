# SPDX-License-Identifier: Apache-2.0
"""A sandbox of the Enterprise Server and its portal. It shares no code with the product it is made to try."""
