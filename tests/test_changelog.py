"""The version at work is the newest of CHANGELOG.md, whose headings have a number and a date."""

import re
from datetime import date
from pathlib import Path

import lib

TEXT = (Path(__file__).parents[1] / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_code_says_the_version_of_the_changelog():
    headings = [line for line in re.findall(r"^## (.+)$", TEXT, re.MULTILINE) if line != "Unreleased"]
    versions = [one.split(", ")[0] for one in headings]
    assert versions[0] == lib.VERSION
    assert versions == sorted(versions, key=lambda one: [*map(int, one.split("."))], reverse=True)
    assert all(date.fromisoformat(one.split(", ")[1]) for one in headings)
