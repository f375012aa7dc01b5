"""A seller's own style: set by presses, used by every card, gone when it is removed or its person erased."""

from datetime import timedelta

import pytest
from PIL import Image

from lib import db, errors, text
from lib.flows.studio import brand
from lib.jobs import table
from lib.jobs.run import Run
from lib.people import users
from lib.studio import brands, files
from lib.tasks import brand as brand_task
from lib.telegram import conversation
from lib.telegram.dispatch import Turn
from lib.telegram.update import Attachment, Incoming, Sender
from tests import factories
from tests.drawing.pictures import encoded
from tests.drawing.test_branding import make_logo
from tests.flows.studio.test_cutting import Paper
from tests.flows.studio.test_order import to_confirm


@pytest.fixture
async def alice(database):
    async with database.connect() as conn:
        user = await factories.make_user(conn)
    return conversation.State("", {}, {"id": user.id, "language": "ru", "consent": True})


async def does(state, **came):
    wanted = {"kind": "press", "press_id": "1", "message_id": state.data.get("screen", 5)} | came
    turn = Turn(Incoming(1, person=Sender(7, "Алиса", "", "", "ru"), **wanted), state, Paper("studio", 7))
    await brand.handle(turn)
    return turn


async def kept(state):
    return await db.run(lambda conn: brands.get(conn, state.who["id"]))


async def test_a_logo_is_cut_clean_and_stands_on_the_cards_from_then_on(seller, photo, shop):
    await to_confirm(seller, photo)
    await seller.presses("Сделать")
    await seller.sees("Карточка готова")
    plain = (await shop.jobs(seller))[0]
    await seller.says("/menu")
    await seller.presses("Фирменный стиль")
    await seller.presses("Логотип")
    await seller.sends_file(encoded(Image.new("RGB", (300, 300), "white"), "PNG"), "blank.png", "image/png")
    await seller.sees("Логотипа не видно")
    await seller.presses("Фирменный стиль")
    await seller.presses("Логотип")
    await seller.sends_file(encoded(make_logo(), "PNG"), "logo.png", "image/png")
    shown = await seller.sees("Так стиль выглядит на вашем товаре")
    assert shown["photo"]
    [style] = await shop.rows("select * from brands where user_id = %s", plain["user_id"])
    assert style["accent"].startswith("#1"), "the logo's own colour"
    [file] = await shop.rows("select * from files where id = %s", style["logo_id"])
    assert (file["kind"], file["content_type"]) == ("logo", "image/png")
    await seller.presses("Повторить")
    await seller.sees("Цена: 1 кредит")
    await seller.presses("Сделать")
    await shop.settle(seller)
    branded = (await shop.jobs(seller))[1]
    sizes = [
        (await shop.rows("select bytes from files where id = %s", job["checkpoint"]["item0"]["files"]["card"][0]))[0]
        for job in (plain, branded)
    ]
    assert sizes[0] != sizes[1], "the same order looks otherwise"


async def test_colours_are_taken_from_a_press_or_as_they_are_written(alice):
    await does(alice, text="brand:colours:red")
    assert (await kept(alice)).ground == "#fff6f0"
    await does(alice, text="brand:colours")
    turn = await does(alice, kind="text", text="Акцент #0A7 и всё")
    assert "#00aa77 · #fff6f0" in turn.chat.said[-1][0]
    await does(alice, text="brand:colours:none")
    assert ((await kept(alice)).accent, (await kept(alice)).ground) == ("", "")


def test_a_colour_in_letters_that_look_alike_is_that_colour():
    assert brands.colours("Акцент #АВС, фон #ЕЕсс00") == ["#aabbcc", "#eecc00"]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("Красный", ["#d81f2a"]),
        ("чёрный на жёлтом", ["#111111", "#ffd400"]),
        ("акцент синий, фон белый", ["#1d4ed8", "#ffffff"]),
        ("Red and white", ["#d81f2a", "#ffffff"]),
        ("синий #0000ff", ["#0000ff"]),
        ("серая, синим", ["#8a8d91", "#1d4ed8"]),
        ("с серого на голубую", ["#8a8d91", "#5aa9e6"]),
        ("бело-красный", ["#ffffff", "#d81f2a"]),
        ("сине-жёлтый", ["#1d4ed8", "#ffd400"]),
        ("золото и бордо", ["#c79a3b", "#7b1e34"]),
        ("красн, greyish", ["#d81f2a", "#8a8d91"]),
        ("красная кружка", []),
    ],
)
def test_a_colour_is_known_by_its_name(said, found):
    assert brands.colours(said) == found


@pytest.mark.parametrize(
    "word",
    ["сердце", "сервиз", "белье", "синица", "черника", "голубей", "желток", "золотник", "зелень", "redo", "blues"],
)
def test_a_word_that_only_begins_like_a_colour_is_none(word):
    assert brands.colours(word) == []


@pytest.mark.parametrize("odd", ["красная кружка", "#12345", "#gggggg", "", "и", "reduced", "сердце"])
async def test_what_is_no_colour_changes_nothing(alice, odd):
    await does(alice, text="brand:colours")
    await does(alice, kind="text", text=odd)
    assert await kept(alice) is None


@pytest.mark.parametrize("odd", ["comic", "onest'; drop", "x" * 99])
async def test_a_pair_that_is_not_offered_is_no_choice(alice, odd):
    await does(alice, text=f"brand:pair:{odd}")
    assert await kept(alice) is None
    await does(alice, text="brand:pair:oswald")
    assert (await kept(alice)).pair == "oswald"


async def test_a_style_is_removed_after_a_question_and_its_logo_is_tidied(alice, database):
    user_id = alice.who["id"]
    async with database.connect() as conn:
        row = {"kind": "logo", "pathname": "local/logo/a.png", "content_type": "image/png", "bytes": 9}
        [file] = await files.add_files(conn, user_id, 1, [row | {"width": 9, "height": 9}])
        await brands.keep(conn, user_id, logo_id=file.id, pair="rubik")
        await conn.execute("update files set created_at = now() - interval '2 days' where id = %s", (file.id,))

    async def old():
        return await db.run(lambda conn: files.list_old_logos(conn, timedelta(days=1), "local/", 10))

    assert await old() == []
    assert not [
        one
        for one in await db.run(lambda conn: files.list_old_results(conn, timedelta(0), "local/", 10))
        if one.kind == "logo"
    ]
    await does(alice, text="brand:drop:sure", message_id=3)
    assert await kept(alice), "an old button asks first"
    await does(alice, text="brand:drop:sure")
    assert await kept(alice) is None
    assert [one.id for one in await old()] == [file.id]


async def test_a_logo_alone_is_taken_away(alice, database):
    async with database.connect() as conn:
        row = {"kind": "logo", "pathname": "local/logo/b.png", "content_type": "image/png", "bytes": 9}
        [file] = await files.add_files(conn, alice.who["id"], 1, [row | {"width": 9, "height": 9}])
        await brands.keep(conn, alice.who["id"], logo_id=file.id, pair="bitter")
    turn = await does(alice, text="brand:logo")
    assert "brand:logo:none" in [button.data for row in turn.chat.said[-1][1] for button in row]
    turn = await does(alice, text="brand:logo:none")
    assert "Логотип: нет" in turn.chat.said[-1][0]
    assert ((await kept(alice)).logo_id, (await kept(alice)).pair) == (None, "bitter")
    turn = await does(alice, text="brand:logo")
    assert "brand:logo:none" not in [button.data for row in turn.chat.said[-1][1] for button in row]


async def test_a_style_is_in_the_export_and_goes_with_its_person(alice, database):
    await does(alice, text="brand:colours:gold")
    user_id = alice.who["id"]
    async with database.connect() as conn:
        assert (await users.export(conn, user_id))["brand"]["ground"] == "#191715"
        user = await users.get_user(conn, user_id)
        await users.erase(conn, user_id, user.tg_id)
        assert await brands.get(conn, user_id) is None


@pytest.mark.parametrize("language", text.LANGUAGES)
@pytest.mark.parametrize("code", ["empty", "too_long", "not_drawn"])
async def test_the_refusal_of_a_logo_speaks_of_a_logo(database, alice, monkeypatch, code, language):
    def refused(data):
        raise errors.Rejected(f"picture_{code}")

    async def sent(bot, file_id):
        return b"?"

    monkeypatch.setattr(brand_task.client, "download", sent)
    monkeypatch.setattr(brand_task.logo, "clean", refused)
    async with database.connect() as conn:
        user = await users.get_user(conn, alice.who["id"])
        job = await factories.make_running(conn, user, args={"bot": "studio", "file_id": "f"})
    with pytest.raises(errors.Rejected) as raised:
        await brand_task._take(Run(job, job.created_at))
    assert raised.value.code == f"logo_{code}"
    said = text.say(language, f"error.logo_{code}")
    assert ("логотип" if language == "ru" else "logo") in said.lower()
    assert not {"товар", "product"} & set(said.lower().split())


@pytest.mark.parametrize(
    ("file", "said"),
    [(("document", "video/mp4", 9), "Логотип нужен в PNG"), (("document", "image/png", 30 << 20), "МБ")],
)
async def test_what_can_be_no_logo_is_refused_without_a_job(alice, file, said):
    kind, mime, size = file
    await does(alice, text="brand:logo")
    turn = await does(alice, kind=kind, text="", attachment=Attachment(kind, "f", "u", size, mime, "", 0, 0))
    assert said in turn.chat.said[-1][0]
    assert await db.run(lambda conn: table.get_user_jobs(conn, alice.who["id"])) == []


@pytest.mark.parametrize(("step", "said"), [("logo", "Логотип нужен в PNG"), ("colours", "цвета")])
async def test_words_in_place_of_a_picture_leave_the_question_as_it_is(alice, step, said):
    await does(alice, text=f"brand:{step}")
    odd = (
        {"kind": "text", "text": "что?"}
        if step == "logo"
        else {"kind": "photo", "text": "", "attachment": Attachment("photo", "f", "u", 9, "image/jpeg", "", 900, 900)}
    )
    turn = await does(alice, **odd)
    assert said in turn.chat.said[-1][0]
    assert alice.step == f"brand:{step}"


async def test_where_a_model_paints_the_cards_it_is_said_that_it_knows_no_style(alice, monkeypatch):
    monkeypatch.setattr(brand.makers, "is_remote", lambda product: True)
    turn = await does(alice, text="brand:home")
    assert "нейросеть" in turn.chat.said[-1][0]
