"""Columns of every kind, and the reader of a Russian file in Moscow."""

from zoneinfo import ZoneInfo

import pytest

from lib.tables.cells import Column, SheetStyle

MOSCOW = ZoneInfo("Europe/Moscow")


@pytest.fixture
def russian():
    return SheetStyle("ru", MOSCOW)


@pytest.fixture
def columns():
    """Number, moment, name of a code, card, words, money; their titles are sentences that there are."""
    column = "partner.sheet.column."
    return [
        Column(f"{column}number", "whole", 9),
        Column(f"{column}at", "moment", 16),
        Column(f"{column}what", "name", 20, names={"accrue": "partner.kind.accrue", "reverse": "partner.kind.reverse"}),
        Column(f"{column}card", "code", 11),
        Column(f"{column}name", "words", 24),
        Column(f"{column}bill", "money", 13),
    ]
