"""The words that a model proposes: what of them may stand on a card, and what happens without a model."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from lib.jobs.run import Run
from lib.studio import words as card_words
from lib.tasks import words
from lib.telegram import fsm
from lib.telegram.client import Chat
from tests import factories
from tests.flows.chat import buttons
from tests.flows.chat import words as read
from tests.sizes import few
from tests.tasks.conftest import PHOTO

_values = some.recursive(some.none() | some.integers() | some.text(), some.lists)


@given(some.dictionaries(some.sampled_from(["title", "benefits", "category", "x"]), _values))
def test_whatever_a_model_says_what_is_left_may_stand_on_a_card(said):
    found = words.checked(said)
    if found:
        assert 0 < len(found["title"]) <= card_words.TITLE_LIMIT
        assert len(found["benefits"]) <= card_words.BENEFITS
        assert all(0 < len(line) <= card_words.BENEFIT_LIMIT for line in found["benefits"])
        assert card_words.check_words("wb", found["title"], tuple(found["benefits"])) == []


@pytest.mark.parametrize(
    "line", ["Скидка 50 %", "Пишите @seller", "Хит продаж", "https://x.ru", "中文", "x" * 41, "🔥", "", None, 5]
)
def test_a_benefit_against_the_rules_is_left_out(line):
    found = words.checked({"title": "Кружка", "benefits": [line, "Держит тепло"], "category": "посуда"})
    assert found == {"title": "Кружка", "benefits": ["Держит тепло"], "category": "посуда"}


async def test_a_late_proposal_does_not_take_the_place_of_a_newer_one(database, monkeypatch):
    screens, aside = {}, []

    async def edit(chat, message_id, said, keyboard=None):
        screens[message_id] = (said, [button.label for row in keyboard or [] for button in row])

    async def put_aside(bot, user_id, name, value):
        aside.append((name, value["title"], value["screen"]))

    monkeypatch.setattr(Chat, "edit", edit)
    monkeypatch.setattr(fsm, "put_aside", put_aside)
    async with database.connect() as conn:
        alice = await factories.make_user(conn)
        made = []
        for screen, description in ((11, "Кружка синя"), (12, "Кружка синяя")):
            args = {"bot": "studio", "chat_id": alice.tg_id, "message_id": screen, "language": "ru"}
            args |= {"description": description, "file_id": ""}
            made.append(await factories.make_job(conn, alice, task="words", args=args))
    for job in reversed(made):  # the first was slow
        await words.run(Run(job, datetime.now(UTC)))
    assert aside == [("words", "Кружка синяя", 12)]
    assert screens[11] == ("Вы прислали новое описание: текст по нему ниже.", [])
    assert screens[12][1] == ["Беру", "Изменить", "Меню"]


async def propose(studio, description):
    alice = await studio.seller()
    shown = (await studio.http.get(f"/sim/chats/studio/{alice.user['id']}")).json()["messages"]
    photo = next(one for one in reversed(shown) if one.get("photo"))["photo"][-1]["file_id"]
    args = {
        "bot": "studio", "chat_id": alice.user["id"], "message_id": (await alice.last())["message_id"],
        "language": "ru", "description": description, "file_id": photo,
    }  # fmt: skip
    [row] = await studio.rows("select id from users where tg_id = %s", alice.user["id"])
    await studio.run(
        "insert into jobs (user_id, task, key, args, turn) values (%s, 'words', %s, %s::jsonb, 1)",
        row["id"], f"words:{alice.user['id']}", json.dumps(args),
    )  # fmt: skip
    [job] = await studio.rows("select id from every_job where key = %s", f"words:{alice.user['id']}")
    await studio.kick()
    assert (await studio.end_of(job["id"]))["state"] == "done"
    alice.job = job["id"]
    return alice, await studio.redis("GET", f"local:temp_data:studio:{alice.user['id']}:words")


async def test_a_model_proposes_and_the_seller_decides(studio):
    alice, kept = await propose(studio, "кружка керамическая. держит тепло два часа, можно мыть в машине")
    shown = await alice.sees("Предлагаю такой текст.*Кружка керамическая.*Держит тепло два часа")
    assert list(buttons(shown)) == ["Беру", "Изменить", "Меню"]
    assert json.loads(kept)["title"] == "Кружка керамическая"


@pytest.mark.parametrize("fault", ["odd_words", "no_words", "long_words", "500", "401"])
async def test_without_a_useful_answer_the_rule_decides(studio, fault):
    await studio.fault("openai", fault)
    alice, kept = await propose(studio, "Кружка синяя\nДержит тепло")
    found = json.loads(kept)
    assert found.pop("screen") == (await alice.sees("Предлагаю"))["message_id"]
    assert found == {"title": "Кружка синяя", "benefits": ["Держит тепло"], "category": ""}
    assert "Кружка синяя" in read(await alice.sees("Предлагаю"))


@pytest.mark.parametrize(
    ("description", "proposed"),
    [("Кружка\nСкидка 50%\nДержит тепло", ["Держит тепло"]), ("Лучшая кружка. Хит продаж. Пишите @seller", None)],
)
async def test_what_a_marketplace_refuses_is_proposed_by_no_rule_either(studio, description, proposed):
    await studio.fault("openai", "500")
    alice, kept = await propose(studio, description)
    if proposed:
        assert json.loads(kept)["benefits"] == proposed
    else:
        assert kept is None
        assert list(buttons(await alice.sees("не получилось собрать текст"))) == ["Изменить", "Меню"]


async def test_a_service_without_strict_schemas_is_asked_for_plain_json(studio):
    await studio.fault("openai", "no_schema")
    _, kept = await propose(studio, "кружка большая, держит тепло")
    assert json.loads(kept)["benefits"] == ["Держит тепло"]


async def test_a_hijacked_model_gets_nothing_odd_onto_the_card(studio):
    await studio.fault("openai", "hijacked")
    _, kept = await propose(studio, "Кружка\nДержит тепло")
    assert "seller" not in kept
    assert "Скидка" not in kept


@pytest.mark.parametrize(
    ("fault", "state", "cost"),
    [(None, "done", 3), ("odd_words", "failed", 3), ("no_words", "refused", 3), ("500", "failed", 0)],
)
async def test_a_question_is_counted_like_any_call(studio, fault, state, cost):
    if fault:
        await studio.fault("openai", fault)
    alice, _ = await propose(studio, "Кружка синяя\nДержит тепло")
    assert await studio.asked(alice.job) == [("words", "openai", "gpt-5.4-mini", state, cost)]


@pytest.mark.parametrize("halt", ["spent", "down"])
async def test_a_service_that_may_not_be_asked_is_not_and_the_rule_decides(studio, halt):
    if halt == "spent":
        await studio.run("update provider_budgets set daily_limit = 0 where provider = 'openai'")
    else:
        pause = "insert into provider_pauses values ('openai', '', 'down', now() + interval '1 hour')"
        await studio.run(pause)
    try:
        alice, kept = await propose(studio, "Кружка синяя\nДержит тепло")
    finally:
        await studio.run("update provider_budgets set daily_limit = 20000 where provider = 'openai'")
        await studio.run("delete from provider_pauses")
    assert json.loads(kept)["title"] == "Кружка синяя"
    assert await studio.asked(alice.job) == []


async def test_a_mended_description_is_proposed_again(studio):
    alice = await studio.seller()
    await alice.says("кружка синя. держит тепло")
    await alice.sees("Предлагаю такой текст.*Кружка синя\n")
    await alice.mends("кружка синя. держит тепло", "кружка синяя. держит тепло")
    await alice.sees("Предлагаю такой текст.*Кружка синяя\n")
    await alice.sends_photo(PHOTO, caption="ваза бела. ручная работа")
    await alice.sees("Предлагаю такой текст.*Ваза бела\n")
    await alice.mends("ваза бела. ручная работа", "ваза белая. ручная работа")
    await alice.sees("Предлагаю такой текст.*Ваза белая\n")


PAGES = {
    "hijacked": "Кружка 350 мл.\\n— Держит тепло.",
    "": "Это Кружка 350 мл. Держит тепло.",
    "500": "Кружка 350 мл.",
}


@pytest.mark.parametrize("fault", few(PAGES, 1))
async def test_the_text_of_a_page_is_the_models_as_far_as_it_may_stand_there(studio, fault):
    alice = await studio.seller()
    order = await studio.order(alice, preset="classified", title="Кружка 350 мл", benefits=("Держит тепло",), price=1)
    await studio.end_of(order)
    if fault:
        await studio.fault("openai", fault)
    await alice.presses("Текст для карточки")
    await alice.sees(f"Wildberries.*{PAGES[fault]}.*Ozon")
    assert await studio.balance(alice) == 101, "it is free"
