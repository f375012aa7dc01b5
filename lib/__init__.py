"""Lotok: the product and the foundation it stands on."""

VERSION = "1.6"  # the newest heading of CHANGELOG.md
