"""Each complaint of lib/config.py has its words in Russian; what others say is quoted."""

import ast
from pathlib import Path

import pytest

from lib import config
from ops import complaints


def details():
    """Return the sentences of lib/config.py, with an x for what changes."""
    for node in ast.walk(ast.parse(Path(config.__file__).read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "detail":
            parts = node.value.values if isinstance(node.value, ast.JoinedStr) else [node.value]
            yield "".join(part.value if isinstance(part, ast.Constant) else "x" for part in parts)


@pytest.mark.parametrize("said", sorted({*details()}))
def test_every_complaint_about_a_setting_has_its_words_in_russian(said):
    assert complaints.say("ru", said) != said
    assert complaints.say("en", said) == said


@pytest.mark.parametrize(
    ("settings", "russian"),
    [
        ({"ADMIN_IDS": "alice"}, "ADMIN_IDS: нужны номера людей в Телеграме через запятую"),
        ({"STORAGE_TYPE": "disk"}, "STORAGE_TYPE: 'disk' не подходит, а можно только blob, local"),
        ({"PLAN_LIMITS": "x"}, f"PLAN_LIMITS: пишите так: neon_hours=100; известны {', '.join(config.PLAN)}"),
        ({}, "UPSTASH_REDIS_REST_TOKEN или KV_REST_API_TOKEN: настройка не задана"),
    ],
)
def test_a_complaint_keeps_its_facts_in_russian(settings, russian):
    found = config.Config({"LOTOK_ENV": "production", **settings}).complaints()
    assert russian in [complaints.say("ru", one) for one in found]


def test_what_another_service_says_is_quoted():
    assert complaints.say("ru", "Unauthorized") == "Unauthorized"
