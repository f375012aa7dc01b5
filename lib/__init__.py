"""Lotok: the product and the foundation it stands on."""

VERSION = "1.10"  # the newest heading of CHANGELOG.md
