"""The draft by itself: what is asked for next, whatever was said, in any order."""

from dataclasses import replace

import pytest

from lib import config
from lib.flows.studio.order import draft as drafts
from lib.flows.studio.ordering import DRAFT, OrderDraft
from lib.providers import makers
from lib.studio import orders

WHOLE = OrderDraft(file_id="f", title="Кружка", product="card", preset="wb", wishes="")


@pytest.fixture
def ai(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    config.get.cache_clear()
    yield
    monkeypatch.delenv("OPENAI_API_KEY")
    config.get.cache_clear()


@pytest.mark.parametrize(
    ("lacking", "step"),
    [
        ({"file_id"}, "photo"),
        ({"title"}, "words"),
        ({"product"}, "product"),
        ({"preset"}, "preset"),
        (set(), "confirm"),
        ({"file_id", "title", "preset"}, "photo"),
    ],
)
def test_what_is_missing_first_is_asked_for_next(lacking, step):
    assert drafts.missing(replace(WHOLE, **dict.fromkeys(lacking, ""))) == step


def test_a_kept_picture_is_as_good_as_a_photo():
    assert drafts.missing(replace(WHOLE, file_id="", source=5)) == "confirm"


@pytest.mark.usefixtures("ai")
def test_wishes_are_asked_for_where_a_model_reads_them():
    draft = replace(WHOLE, wishes=None)
    assert drafts.missing(draft) == "wishes"
    draft = drafts.change(draft, "wishes", "skip")
    assert drafts.missing(draft) == "confirm"
    assert drafts.missing(replace(draft, preset="white")) == "confirm"


def test_without_a_model_nobody_is_asked_for_wishes():
    assert drafts.missing(replace(WHOLE, wishes=None)) == "confirm"


@pytest.fixture
def films(monkeypatch):
    """Let a model film."""
    monkeypatch.setattr(makers, "is_remote", lambda product: True)


def test_an_own_script_is_asked_for_where_somebody_reads_it(monkeypatch):
    clip = replace(WHOLE, product="video5", template="own", wishes="")
    assert drafts.missing(clip) == "confirm"
    monkeypatch.setattr(makers, "is_remote", lambda product: True)
    assert drafts.missing(clip) == "wishes"


@pytest.mark.usefixtures("films")
def test_an_own_script_is_no_wish():
    video = replace(WHOLE, product="video5", template="own", wishes="мягкий свет")
    assert drafts.missing(video) == "wishes"
    video = drafts.say(video, "утро")
    assert drafts.missing(video) == "confirm"
    assert drafts.said(video) == "утро"


@pytest.mark.usefixtures("films")
def test_an_own_script_is_nobodys_wish_for_a_card():
    draft = replace(WHOLE, product="video5", template="own", scenario="камера поднимается")
    draft = drafts.change(draft, "product", "card")
    assert drafts.said(draft) == ""
    draft = drafts.change(draft, "product", "video5")
    assert drafts.said(draft) == "камера поднимается"


@pytest.mark.parametrize("part", drafts.PARTS)
def test_going_back_forgets_nothing(part):
    draft = drafts.change(WHOLE, "change", part)
    assert drafts.missing(draft) == {"look": "preset"}.get(part, part)
    assert drafts.answered(draft) == WHOLE


@pytest.mark.parametrize("preset", orders.PRESETS)
def test_only_a_card_that_bears_words_needs_them(preset):
    draft = OrderDraft(file_id="f", wordless=True, product="card", preset=preset)
    assert drafts.missing(draft) == ("confirm" if preset in drafts.WITHOUT_WORDS else "words")


@pytest.mark.parametrize(
    ("action", "argument"),
    [
        ("product", "free"),
        ("preset", "x"),
        ("count", "0"),
        ("count", "99"),
        ("scene", ""),
        ("change", "price"),
        ("", ""),
    ],
)
def test_what_no_screen_offers_changes_nothing(action, argument):
    assert drafts.change(WHOLE, action, argument) == WHOLE


def test_a_draft_that_an_older_release_kept_is_read():
    kept = {
        "file_id": "f",
        "kind": "photo",
        "album": "",
        "variant": 0,
        "title": "Кружка",
        "benefits": ["Лён"],
        "lost": "",
    }
    kept |= {"product": "card", "preset": "wb", "wishes": "", "price": 3, "maker": "", "promised": 50, "waits": False}
    draft = DRAFT.read(kept)
    assert (draft.title, draft.benefits, draft.price, drafts.missing(draft)) == ("Кружка", ("Лён",), 3, "confirm")


async def test_a_mended_description_replaces_the_first_one(seller, photo, shop):
    await seller.sends_photo(photo)
    await seller.says("Крушка Лён\nДержит тепло")
    await seller.mends("Крушка Лён\nДержит тепло", "Кружка Лён\nДержит тепло")
    draft = (await shop.state(seller))["data"]["draft"]
    assert (draft["title"], draft["benefits"]) == ("Кружка Лён", ["Держит тепло"])
    await seller.sees("Что сделать из этого фото")


async def test_an_edit_of_what_was_taken_long_ago_says_so_and_changes_nothing(seller, photo, shop):
    await seller.sends_photo(photo)
    await seller.says("Крушка Лён")
    await seller.presses("Карточка")
    before = (await shop.state(seller))["data"]["draft"]
    await seller.mends("Крушка Лён", "Кружка Лён")
    await seller.sees("Прежний текст уже принят")
    assert (await shop.state(seller))["data"]["draft"] == before


async def test_a_mended_caption_mends_the_words_and_keeps_the_photo(seller, photo, shop):
    await seller.sends_photo(photo, caption="Крушка Лён")
    before = (await shop.state(seller))["data"]["draft"]
    assert before["title"] == "Крушка Лён"
    shown = (await shop.http.get(seller.path)).json()["messages"]
    [sent] = [one for one in shown if one.get("caption") == "Крушка Лён" and one["sim"]["outgoing"]]
    edited = {name: value for name, value in sent.items() if name != "sim"} | {"caption": "Кружка Лён"}
    await seller._act("update", json={"edited_message": edited})
    draft = (await shop.state(seller))["data"]["draft"]
    assert (draft["title"], draft["file_id"]) == ("Кружка Лён", before["file_id"])


async def test_service_messages_get_no_answer(seller):
    before = await seller.messages()
    await seller.gets({"pinned_message": {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}}})
    await seller.gets({"message_auto_delete_timer_changed": {"message_auto_delete_time": 86400}})
    assert await seller.messages() == before


def test_a_chosen_cover_is_of_its_own_strip():
    chosen = replace(WHOLE, design="dark", picked=f"{drafts.stamp(WHOLE)}:3")
    assert drafts.picked(chosen) == 3
    assert drafts.picked(replace(chosen, title="Чашка")) == 0, "the numbers of other words mean other covers"
