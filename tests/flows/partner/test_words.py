"""What the partner bot can say: labels that fit, and a sentence for every refusal of the ledger."""

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from lib import text
from lib.loyalty import partners

ROOT = Path(__file__).parents[3]
ALONE = {"partner.button.manager"}  # has a row to itself


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_a_label_fits_on_a_phone(language):
    with (text.LOCALES / language / "LC_MESSAGES" / "partner.po").open("rb") as file:
        labels = {m.id: m.string for m in read_po(file, locale=language) if str(m.id).startswith("partner.button.")}
    lengths = {key: len(re.sub(r"\{.*?\}", "123", label)) for key, label in labels.items()}
    assert {key: labels[key] for key, length in lengths.items() if length > (24 if key in ALONE else 20)} == {}


AREAS = {"shops", "points", "counter", "members"}


def test_every_refusal_of_the_ledger_has_a_sentence():
    files = [*(ROOT / "lib" / "loyalty").glob("*.py"), ROOT / "lib" / "money.py"]
    raised = {
        code
        for path in files
        for code in re.findall(r'(?:Invalid|Denied|Missing|Conflict)\("(\w+)"', path.read_text(encoding="utf-8"))
    }
    areas = [path for path in (ROOT / "sql" / "schema").iterdir() if path.stem[3:] in AREAS]
    sql = "".join(path.read_text(encoding="utf-8") for path in areas)
    raised |= set(re.findall(r"errcode = 'LK4\d\d', message = '(\w+)'", sql))
    assert sorted(code for code in raised - NEVER_HERE if not text.knows(f"partner.error.{code}")) == []


# What only clients, administrators or our own mistakes can cause.
NEVER_HERE = {
    *(
        "no_client",
        "no_code",
        "phone_taken",
        "name_empty",
        "birthday_unclear",
        "no_service",
        "no_promotion",
        "unknown_status",
    ),
    *("bad_score", "words_empty", "no_reward", "already_decided", "link_unreadable", "price_changed", "no_request"),
    "no_code",  # the flow of releases has its own sentence
}


def test_every_category_and_role_has_a_name():
    for key in [f"category.{one}" for one in partners.CATEGORIES] + ["role.owner", "role.manager", "role.cashier"]:
        assert text.knows(f"partner.{key}")
