"""What the wizard asks and finds, without any service: addresses, the names of integrations, answers."""

import asyncio
import os
import re
import signal
from pathlib import Path

import pytest

from lib import config, errors
from ops.doctor.faults import FAULTS
from ops.setup import steps, words
from ops.setup.wizard import Wizard, as_role, by_suffix

NEON = "postgresql://owner:secret@ep-cool-1.eu-central-1.aws.neon.tech/lotok?sslmode=require"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in (
        *steps.WANTED,
        *steps.READ_TOO.values(),
        *steps.SECRETS,
        "DATABASE_URL",
        "LOTOK_DATABASE_URL",
        "STORAGE_TYPE",
    ):
        monkeypatch.setenv(name, "")
    yield
    config.get.cache_clear()


@pytest.fixture
def answers(monkeypatch):
    """Type these answers, one after the other; then the input ends."""

    def give(*lines):
        left = iter(lines)

        def typed(question):
            try:
                return next(left)
            except StopIteration:
                raise EOFError from None

        monkeypatch.setattr("builtins.input", typed)

    return give


def test_ctrl_c_at_a_question_ends_the_wizard_at_once(monkeypatch):
    def interrupted(question):
        os.kill(os.getpid(), signal.SIGINT)
        return "typed after all"

    went_on = []

    async def ask():
        went_on.append(Wizard().ask("PUBLIC_URL", lambda value: ""))

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr("builtins.input", interrupted)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(ask())
    assert (went_on, signal.getsignal(signal.SIGINT)) == ([], before)


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        (NEON, "postgresql://app:pw@ep-cool-1-pooler.eu-central-1.aws.neon.tech/lotok?sslmode=require"),
        (
            "postgres://o@ep-1-pooler.aws.neon.tech:5432/d",
            "postgres://app:pw@ep-1-pooler.aws.neon.tech:5432/d",
        ),
        ("postgresql://owner:p@db.example.com:6543/d", "postgresql://app:pw@db.example.com:6543/d"),
        ("postgresql://owner@/d?host=/tmp/x", "postgresql://app:pw@/d?host=/tmp/x"),
    ],
)
def test_the_functions_address_goes_through_neons_pooler(url, wanted):
    assert as_role(url, "app", "pw") == wanted


def test_an_address_of_another_kind_is_refused():
    with pytest.raises(errors.Misconfigured):
        as_role("mysql://x/y", "app", "pw")


def test_what_an_integration_set_under_its_prefix_is_found(monkeypatch):
    monkeypatch.setenv("LOTOK_ENV", "production")
    monkeypatch.setenv("SHOP_DATABASE_URL_UNPOOLED", NEON)
    monkeypatch.setenv("SHOP_KV_REST_API_URL", "https://a.upstash.io")
    assert by_suffix("DATABASE_URL_UNPOOLED") == NEON
    wizard = Wizard(asks=False, prints=False)
    steps.settings(wizard)
    assert wizard.made["DATABASE_URL_UNPOOLED"] == NEON
    assert wizard.made["UPSTASH_REDIS_REST_URL"] == "https://a.upstash.io"
    assert [one["what"] for one in wizard.left if "PUBLIC_URL" in one["what"]] == ["PUBLIC_URL is missing"]


def test_secrets_are_made_once_and_are_what_the_settings_take(monkeypatch):
    for name in steps.WANTED:
        monkeypatch.setenv(name, "x")
    first, second = Wizard(asks=False, prints=False), Wizard(asks=False, prints=False)
    steps.settings(first)
    steps.settings(second)
    assert [*first.made] == [*steps.SECRETS]
    assert second.made == {}
    assert len({*first.made.values()}) == len(steps.SECRETS)
    assert config.Config(first.made).webhook_secret == first.made["WEBHOOK_SECRET"]
    assert not any(value in repr(first) + str(first.done) for value in first.made.values())


def test_an_odd_answer_is_asked_again_and_enter_leaves_it(answers, capsys):
    wizard = Wizard(language="ru")
    answers("not an address", "https://lotok.example")
    assert wizard.ask("PUBLIC_URL", wizard.refusal("PUBLIC_URL")) == "https://lotok.example"
    assert "✗ Это не адрес: он начинается с https://" in capsys.readouterr().out
    answers("")
    assert wizard.ask("PUBLIC_URL", wizard.refusal("PUBLIC_URL")) == ""
    answers()
    assert wizard.ask("PUBLIC_URL", wizard.refusal("PUBLIC_URL")) == ""


def test_nobody_is_asked_who_said_yes(answers):
    answers("https://lotok.example")
    wizard = Wizard(asks=False)
    assert wizard.ask("PUBLIC_URL", wizard.refusal("PUBLIC_URL")) == ""


def test_a_fault_is_told_in_both_languages_with_the_same_facts():
    for english, russian in words.WORDS.values():
        assert {*re.findall(r"\{(\w+)\}", english)} == {*re.findall(r"\{(\w+)\}", russian)}
        assert re.search("[а-яё]", russian, re.IGNORECASE)
        assert not re.search("[а-яё]", english, re.IGNORECASE)
    assert any("ops setup" in fault.mend for fault in FAULTS)


def test_every_sentence_of_the_wizard_is_used():
    text = "".join(path.read_text() for path in Path(steps.__file__).parent.glob("*.py"))
    unused = {key for key in words.WORDS if text.count(f'"{key.removesuffix("_dry")}"') < 2}
    assert unused <= {*steps.WANTED, *config.BOTS}, "a setting is asked for under its own name"
