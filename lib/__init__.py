"""Lotok: the product and the foundation it stands on."""

VERSION = "1.9"  # the newest heading of CHANGELOG.md
