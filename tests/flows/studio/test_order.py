import io
import re
import struct
import zlib

import pytest
from PIL import Image

from tests.flows.chat import buttons, words
from tests.heics import HEIC
from tests.sizes import few


async def to_confirm(
    seller, photo: bytes, text: str = "Кружка керамическая\nДержит тепло", preset: str = "Wildberries"
):
    await seller.sends_photo(photo)
    await seller.says(text)
    await seller.presses("Карточка товара")
    await seller.presses(preset)
    return await seller.sees("Цена: 1 кредит")


async def test_a_photo_becomes_a_card(seller, photo, shop):
    confirm = await to_confirm(seller, photo)
    assert "На балансе 2 кредита, после заказа останется 1 кредит" in words(confirm)
    await seller.presses("Сделать")
    card = await seller.sees("Карточка готова: Wildberries")
    assert card["message_id"] == confirm["message_id"], "the status message became the card"
    assert "Баланс: 1 кредит" in words(card)
    assert list(buttons(card)) == [
        *("Изменить слова", "Другая обложка", "Повторить", "Ещё вариант", "Другой формат", "Сделать видео"),
        *("Вырезать иначе", "Текст для карточки", "В историю", "Новый заказ", "Плохой результат", "Меню"),
    ]
    file = await seller.sees("Файл в полном качестве")
    picture = Image.open(io.BytesIO(await shop.download(file["document"]["file_id"])))
    assert (picture.format, picture.width * 4, picture.width >= 900) == ("PNG", picture.height * 3, True)
    assert await shop.balance(seller) == 1


@pytest.mark.parametrize(
    ("preset", "ratio"), few([("Сторис", 9 / 16), ("Ozon", 3 / 4), ("Белый фон", 1)], 1, several=True)
)
async def test_every_preset_has_its_shape(seller, photo, shop, preset, ratio):
    await to_confirm(seller, photo, preset=preset)
    await seller.sees("Товар вырезан")
    await seller.presses("Сделать")
    file = await seller.sees("Файл в полном качестве")
    picture = Image.open(io.BytesIO(await shop.download(file["document"]["file_id"])))
    assert picture.width / picture.height == pytest.approx(ratio, abs=0.001)


async def test_a_transparent_png_comes_as_a_file_that_keeps_its_alpha(seller, photo, shop):
    await to_confirm(seller, photo, preset="Прозрачный PNG")
    await seller.sees("Товар вырезан")
    await seller.presses("Сделать")
    file = await seller.sees("Прозрачный PNG: вокруг товара ничего нет")
    picture = Image.open(io.BytesIO(await shop.download(file["document"]["file_id"])))
    assert (picture.format, picture.mode) == ("PNG", "RGBA")
    assert (picture.getpixel((0, 0))[3], max(picture.getchannel("A").get_flattened_data())) == (0, 255)
    assert await shop.balance(seller) == 1


async def test_a_caption_is_the_text(seller, photo):
    await seller.sends_photo(photo, caption="Кружка\nДержит тепло")
    await seller.sees("Что сделать из этого фото")


@pytest.mark.parametrize(("form", "mime"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
async def test_a_photo_can_come_as_a_file(seller, product, form, mime):
    await seller.sends_file(product(form), f"mug.{form.lower()}", mime)
    await seller.sees("напишите название")


@pytest.mark.long
async def test_the_file_of_an_iphone_becomes_a_card(seller, shop):
    await seller.sends_file(HEIC, "IMG_0001.HEIC", "image/heic")
    await seller.says("Кружка\nДержит тепло")
    await seller.presses("Карточка товара")
    await seller.presses("Ozon")
    await seller.presses("Сделать")
    file = await seller.sees("Файл в полном качестве")
    picture = Image.open(io.BytesIO(await shop.download(file["document"]["file_id"])))
    assert picture.width * 4 == picture.height * 3


async def test_a_white_card_needs_no_text(seller, photo):
    await seller.sends_photo(photo)
    await seller.presses("Без текста")
    await seller.presses("Карточка товара")
    await seller.presses("Белый фон")
    await seller.sees("Проверьте заказ: Карточка товара · Белый фон 1:1")


async def test_a_double_press_charges_once(seller, photo, shop):
    confirm = await to_confirm(seller, photo)
    await seller.presses("Сделать")
    await seller.presses("Сделать", on=confirm)
    assert "уже принят" in seller.toast["text"]
    await seller.sees("Карточка готова")
    assert await shop.balance(seller) == 1
    assert [row["kind"] for row in await shop.ledger(seller)] == ["trial", "charge"]


async def test_confirm_on_an_old_message_charges_nothing(seller, photo, shop):
    confirm = await to_confirm(seller, photo)
    await seller.says("Другое название")
    await seller.presses("Сделать", on=confirm)
    assert "не действует" in seller.toast["text"]
    await seller.sees("Другое название.*Цена: 1 кредит")
    assert await shop.balance(seller) == 2


async def test_the_same_update_three_times_charges_once(seller, photo, shop):
    await to_confirm(seller, photo)
    await seller.presses("Сделать")
    await shop.replay(seller, seller.update_ids[0], times=3)
    await seller.sees("Карточка готова")
    assert len(await shop.jobs(seller)) == 1
    assert await shop.balance(seller) == 1


@pytest.mark.long
async def test_no_credits_left_keeps_the_draft(seller, photo, shop):
    for _ in range(2):
        await to_confirm(seller, photo)
        await seller.presses("Сделать")
        await seller.sees("Карточка готова")
    await seller.presses("Ещё вариант")
    await seller.sees("Не хватает кредитов: заказ стоит 1 кредит, на балансе 0 кредитов")
    assert await shop.balance(seller) == 0


async def test_one_more_look_shows_its_price_first(seller, photo, shop):
    await to_confirm(seller, photo)
    await seller.presses("Сделать")
    first = await seller.sees("Карточка готова")
    await seller.presses("Ещё вариант")
    second = await seller.sees("Вариант 2.*Цена: 1 кредит")
    assert second["message_id"] != first["message_id"], "a result is never overwritten"
    await seller.presses("Повторить")
    again = await seller.sees("Wildberries.*Цена: 1 кредит")
    assert "Вариант" not in words(again), "the same look again"
    assert await shop.balance(seller) == 1


@pytest.mark.long
async def test_another_format_of_a_finished_card(seller, photo):
    await to_confirm(seller, photo)
    await seller.presses("Сделать")
    await seller.sees("Карточка готова")
    await seller.presses("Другой формат")
    await seller.presses("Ozon")
    await seller.sees("Ozon.*Кружка керамическая.*Цена: 1 кредит")


async def test_another_persons_order_cannot_be_repeated(seller, newcomer, photo, shop):
    await to_confirm(seller, photo)
    await seller.presses("Сделать")
    await seller.sees("Карточка готова")
    [job] = await shop.jobs(seller)
    mallory = await newcomer(first_name="Mallory", consent=True)
    await mallory.says("/menu")
    number = job["id"]
    for forged in (
        *(f"order:{action}:{number}" for action in ("again", "variant", "video", "format", "retry", "cancel")),
        *(f"card:again:{number}", f"card:cancel:{number}", "card:again:1e9", "order:preset:free", "x:y"),
        *(f"history:open:{number}", f"history:send:{number}", "order:count:0", "order:product:free", "wallet:buy:0"),
    ):
        await mallory.forges(forged)
    assert not await shop.jobs(mallory)
    assert await shop.balance(mallory) == 2


async def test_text_where_a_photo_is_expected_is_kept(seller, photo):
    await seller.says("Кружка керамическая")
    await seller.sees("Название «Кружка керамическая» запомнил.*пришлите фото")
    await seller.sends_photo(photo)
    await seller.sees("Что сделать из этого фото")


async def test_a_sticker_where_a_photo_is_expected(seller, product):
    await seller.sends_sticker(product("WEBP"))
    await seller.sees("использовать не могу.*Пришлите фото товара")


async def test_an_album_is_spoken_of_once_and_its_first_photo_is_the_orders(seller, photo):
    await seller.sends_photo(photo, photo, photo)
    await seller.sees("Фото несколько")
    assert sum("Фото несколько" in words(message) for message in await seller.messages()) == 1


@pytest.mark.parametrize("text", ["🔥🔥🔥", "ш" * 4000])
async def test_a_title_that_cannot_be_drawn_is_asked_for_again(seller, photo, text):
    await seller.sends_photo(photo)
    await seller.says(text)
    await seller.sees("нет слов|слишком длинное: 4\u00a0000 знаков|Похоже на описание, но названия товара")
    await seller.says("<b>Кружка</b> 🔥 & Ко")
    await seller.presses("Карточка товара")
    await seller.presses("Сторис")
    await seller.sees("Кружка & Ко.*Цена: 1 кредит")


async def test_words_a_marketplace_refuses_are_named_before_paying(seller, photo):
    await seller.sends_photo(photo)
    await seller.says("Лучшая кружка 990 ₽\nХит продаж\nПишите @kruzhki")
    await seller.presses("Карточка товара")
    await seller.presses("Wildberries")
    named = words(await seller.sees("Wildberries не пропустит"))
    for finding in ("«990 ₽» — цены", "«Лучшая» — прев", "«Хит продаж» — рекламные", "«@kruzhki» — контакты"):
        assert finding in named
    assert "Лучшая кружка 990 ₽\nХит продаж" in named, "to be copied and corrected"
    await seller.says("Кружка")
    await seller.sees("Цена: 1 кредит")


async def test_words_that_nobody_may_draw_are_named_before_paying(seller, photo, shop):
    await seller.sends_photo(photo)
    await seller.says("Мефедрон")
    await seller.presses("Карточка товара")
    await seller.presses("Сторис")
    await seller.sees("С такими словами рисовать нельзя: «Мефедрон»")
    await seller.says("Кружка")
    await seller.presses("Пожелания")
    await seller.says("с пакетом марихуаны")
    await seller.sees("нельзя: «марихуаны»")
    await seller.presses("Без пожеланий")
    confirm = await seller.sees("Цена: 1 кредит")
    assert "марихуан" not in words(confirm)
    assert not await shop.jobs(seller)


def hollow_png(width: int, height: int) -> bytes:
    """A PNG that is whole from outside, and holds too few pixels for the size it claims."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(4096))) + chunk(b"IEND", b"")
    )


def png_of(image: Image.Image) -> bytes:
    target = io.BytesIO()
    image.save(target, "PNG")
    return target.getvalue()


BAD_FILES = {
    "400 megapixels": (hollow_png(20_000, 20_000), "a.png", "image/png", "40 мегапикселей"),
    "HEIC": (b"\0\0\0\x18ftypheic" + bytes(400), "a.heic", "image/heic", "HEIC"),
    "pixels missing": (hollow_png(900, 1200), "a.png", "image/png", "Файл повреждён"),
    "long and narrow": (png_of(Image.effect_noise((210, 2200), 40)), "a.png", "image/png", "слишком вытянутая"),
    "nothing at all": (png_of(Image.new("RGBA", (800, 800))), "a.png", "image/png", "На картинке ничего нет"),
    "PDF": (b"%PDF-1.7" + bytes(400), "a.pdf", "application/pdf", "не похоже на фото"),
    "over 20 MB": (b"\xff\xd8\xff" + bytes(21 * 1024 * 1024), "a.jpg", "image/jpeg", "больше 20 МБ"),
}


@pytest.mark.parametrize("case", few(BAD_FILES, 2))
async def test_a_file_that_is_no_usable_photo_is_refused_in_words(seller, shop, case):
    data, name, mime, sentence = BAD_FILES[case]
    await seller.sends_file(data, name, mime)
    await seller.sees(f"{sentence}.*Пришлите фото товара")
    assert await shop.balance(seller) == 2


async def test_a_refused_file_leaves_the_photo_that_was_there_and_says_so(seller, photo):
    await seller.sends_photo(photo)
    await seller.says("Кружка")
    data, name, mime, sentence = BAD_FILES["PDF"]
    await seller.sends_file(data, name, mime)
    await seller.sees(f"{sentence}.*Присланное раньше осталось в заказе.*Что сделать")


@pytest.mark.parametrize(("size", "sentence"), [((180, 180), "слишком маленькая"), ((220, 2300), "слишком вытянутая")])
async def test_a_photo_that_the_worker_would_refuse_is_refused_at_once(seller, shop, size, sentence):
    target = io.BytesIO()
    Image.effect_noise(size, 40).save(target, "JPEG")
    await seller.sends_photo(target.getvalue())
    await seller.sees(f"{sentence}.*Пришлите фото товара")
    assert await shop.balance(seller) == 2


@pytest.mark.long
async def test_a_jpeg_that_lacks_only_its_end_mark_becomes_a_card(seller, product):
    await seller.sends_file(product("JPEG")[:-2], "a.jpg", "image/jpeg", "Кружка")
    await seller.presses("Карточка товара")
    await seller.presses("Ozon")
    await seller.presses("Сделать")
    await seller.sees("Карточка готова: Ozon")


async def test_a_truncated_jpeg_is_refused_in_words(seller, product, shop):
    await seller.sends_file(product("JPEG")[:-2000], "a.jpg", "image/jpeg")
    await seller.sees("Файл повреждён")
    assert await shop.balance(seller) == 2


async def test_a_photo_that_only_the_worker_can_refuse_is_refunded(seller, product, shop):
    data = product("JPEG")
    async with shop.without_worker():  # else it may look at the photo before the product is chosen
        await seller.sends_file(data[: len(data) // 2] + b"\xff\xd9", "a.jpg", "image/jpeg")
        await seller.says("Кружка")
        await seller.presses("Карточка товара")
        await seller.presses("Ozon")
        await seller.presses("Сделать")
    await shop.settle(seller)
    failed = await seller.sees("Файл повреждён.*Вернули 1 кредит. На балансе: 2 кредита")
    assert "Прислать другое фото" in buttons(failed)
    assert [row["kind"] for row in await shop.ledger(seller)] == ["trial", "charge", "refund"]
    await seller.presses("Прислать другое фото")
    await seller.sees("Название «Кружка» запомнил")


@pytest.mark.long
async def test_an_order_can_be_cancelled_while_it_waits(seller, photo, shop):
    async with shop.without_worker():
        await to_confirm(seller, photo)
        await seller.presses("Сделать")
        queued = await seller.sees("Место в очереди: 1")
        await seller.presses("Отменить заказ")
        cancelled = await seller.sees("Заказ отменён, кредиты вернулись. На балансе 2 кредита")
        assert cancelled["message_id"] == queued["message_id"]
    assert [row["kind"] for row in await shop.ledger(seller)] == ["trial", "charge", "refund"]


async def test_the_first_in_the_queue_waits_no_longer_than_was_said_before_paying(seller, photo, shop):
    # three orders in a quarter of an hour are a quiet shop, no slow one
    await shop.rows(
        "insert into job_history (id, task, key, args, checkpoint, price, priority, state, run_at, attempts,"
        " max_attempts, created_at, finished_at)"
        " select -n, 'card', 'quiet:' || n, '{}', '{}', 1, 0, 'cancelled', now(), 0, 5, now(), now() - interval '9 min'"
        " from generate_series(1, 3) n returning id"
    )
    async with shop.without_worker():
        confirm = await to_confirm(seller, photo)
        said = re.search(r"занимает (.+)\.", words(confirm))[1]
        await seller.presses("Сделать")
        await seller.sees(f"Место в очереди: 1, ждать {said}")
        await seller.presses("Отменить заказ")


@pytest.mark.long
async def test_an_order_that_stands_in_line_says_so_before_a_worker_comes(seller, photo, shop):
    async with shop.without_worker():
        await to_confirm(seller, photo)
        await seller.presses("Сделать")
        queued = await seller.sees("Место в очереди: 1")
        [job] = await shop.jobs(seller)
        await shop.rows(
            "update jobs set created_at = clock_timestamp() - interval '95 s' where id = %s returning id", job["id"]
        )
        await shop.run("import asyncio; from lib.studio import line; asyncio.run(line.move())")
        moved = await seller.sees(f"Заказ №{job['id']} в очереди: уже .*Место: 1")
        assert moved["message_id"] == queued["message_id"]
        await seller.presses("Отменить", on=moved)
        await seller.sees("Заказ отменён, кредиты вернулись")


async def test_cancel_takes_back_the_last_order_while_it_waits(seller, photo, shop):
    async with shop.without_worker():
        await to_confirm(seller, photo)
        await seller.presses("Сделать")
        await seller.says("/cancel")
        await seller.sees("Заказ отменён, кредиты вернулись. На балансе 2 кредита")


async def test_every_product_is_on_the_shelf_with_its_price(seller, photo):
    await seller.sends_photo(photo, caption="Кружка")
    shelf = await seller.sees("Карточка товара — 1 кредит.*Набор карточек — от 2 кредитов.*Новый фон — 1 кредит")
    assert "Видео 5 секунд — 4 кредита" in words(shelf)
    assert "Видео 10 секунд — 7 кредитов" in words(shelf)


async def test_a_set_is_one_order_with_one_price_and_comes_as_an_album(seller, photo, shop):
    await seller.sends_photo(photo, caption="Кружка керамическая\nДержит тепло")
    await seller.presses("Набор карточек")
    await seller.presses("Ozon")
    confirm = await seller.sees("Цена: 2 кредита")
    assert list(buttons(confirm))[:2] == ["✅ 2 слайда", "3 слайда"]
    assert "4 слайда" not in buttons(confirm), "there is nothing to say on them"
    assert "Этих слов хватит на 3 слайда" in words(confirm)
    await seller.presses("3 слайда")
    await seller.sees("Не хватает кредитов: заказ стоит 3 кредита")
    await seller.presses("2 слайда")
    await seller.presses("Сделать: 2 кредита")
    await shop.settle(seller)
    assert "Готово: 2 слайда, Ozon" in words(await seller.last())
    await seller.presses("Ещё вариант")
    await seller.sees("Набор карточек.*Вариант 2")
    assert [row["amount"] for row in await shop.ledger(seller)] == [2, -2]
    assert len(await shop.jobs(seller)) == 1, "a partial order was a fault of the predecessors"


@pytest.mark.long
async def test_a_background_is_replaced(seller, photo, shop):
    await seller.sends_photo(photo)
    await seller.sees("Товар вырезан")
    await seller.presses("Без текста")
    await seller.presses("Новый фон")
    await seller.presses("Мрамор")
    await seller.sees("Проверьте заказ: Новый фон · Мрамор.*Цена: 1 кредит")
    await seller.presses("Сделать")
    await shop.settle(seller)
    await seller.sees("Фон заменён")
    assert await shop.balance(seller) == 1


@pytest.mark.long
async def test_a_video_is_ordered_by_template_with_music_and_photos(seller, photo, shop):
    [user] = await shop.rows("select id from users where tg_id = %s", seller.user["id"])
    await shop.rows(
        "select created from grant_credits(%s, 10, %s, 'ops:test', 'test')",
        *(user["id"], f"test:{user['id']}"),
    )
    await seller.sends_photo(photo, photo, caption="Кружка керамическая")
    await seller.presses("Видео 5 секунд")
    await seller.presses("Ожившая обложка")
    await seller.presses("Музыка")
    await seller.presses("Спокойная")
    confirm = await seller.sees("Видео 5 секунд · Ожившая обложка.*2 фото.*Музыка: Спокойная.*Цена: 4 кредита")
    assert list(buttons(confirm))[:3] == ["✅ 1 ролик", "3 ролика", "5 роликов"]
    await seller.presses("3 ролика")
    await seller.sees("Цена: 11 кредитов.*останется 1 кредит")
    await seller.presses("✅ 3 ролика")
    await seller.presses("1 ролик")
    await seller.presses("Сделать")
    await shop.settle(seller)
    await seller.sees("Ролик готов: 5 секунд")
    [job] = await shop.jobs(seller)
    assert (job["args"]["template"], job["args"]["music"], len(job["args"]["photos"])) == ("own", "calm", 2)


async def test_wishes_can_be_added_before_paying_and_say_whether_anybody_reads_them(seller, photo):
    await to_confirm(seller, photo)
    await seller.presses("Пожелания")
    await seller.sees("Есть пожелания.*пожелания не учтём")
    await seller.says("ш" * 600)
    await seller.sees("Слишком длинно: 600 знаков")
    await seller.says("больше   воздуха")
    await seller.sees("💬 больше воздуха.*Цена: 1 кредит")
    await seller.presses("Пожелания")
    await seller.presses("Пропустить")
    assert "💬" not in words(await seller.sees("Цена: 1 кредит"))


async def test_the_text_can_be_corrected_before_paying(seller, photo):
    await to_confirm(seller, photo)
    await seller.presses("Изменить текст")
    await seller.sees("Сейчас так.*Кружка керамическая\nДержит тепло")
    await seller.presses("Назад")
    await seller.sees("Кружка керамическая.*Цена: 1 кредит")
    await seller.presses("Изменить текст")
    await seller.says("Кружка глиняная")
    await seller.sees("Кружка глиняная.*Цена: 1 кредит")


async def test_every_answer_can_be_changed_on_the_confirm_screen(seller, photo, product):
    await to_confirm(seller, photo)
    await seller.presses("Другой формат")
    await seller.presses("Сторис")
    await seller.sees("Сторис 9:16.*Цена")
    await seller.presses("Другой вид заказа")
    await seller.presses("Новый фон")
    await seller.presses("Дерево")
    await seller.sees("Новый фон · Дерево.*Цена")
    await seller.presses("Другое фото")
    await seller.sees("пришлите фото товара")
    await seller.sends_photo(product())
    await seller.sees("Новый фон · Дерево.*Цена")


async def test_a_price_that_changed_meanwhile_is_shown_again_and_nothing_is_charged(seller, photo, shop):
    await to_confirm(seller, photo)
    await shop.rows("update products set price = 2 where code = 'card' returning code")
    try:
        await seller.presses("Сделать")
        await seller.sees("Цена только что изменилась.*Цена: 2 кредита")
        assert await shop.balance(seller) == 2
    finally:
        await shop.rows("update products set price = 1 where code = 'card' returning code")


async def test_a_product_that_was_switched_off_meanwhile_says_so_and_keeps_the_rest(seller, photo, shop):
    await to_confirm(seller, photo)
    await shop.rows("update products set is_on = false where code = 'card' returning code")
    try:
        await seller.presses("Сделать")
        await seller.sees("Это сейчас не делаем")
        await seller.presses("Набор карточек")
        await seller.sees("Набор карточек · Wildberries.*Кружка керамическая")
    finally:
        await shop.rows("update products set is_on = true where code = 'card' returning code")


@pytest.mark.long
async def test_buttons_of_the_first_cards_go_on_working(seller, photo, shop):
    """What hangs below a card from before the other products came."""
    await to_confirm(seller, photo)
    await seller.presses("Сделать")
    await seller.sees("Карточка готова")
    [job] = await shop.jobs(seller)
    await seller.forges(f"card:again:{job['id']}")
    await seller.sees("Кружка керамическая.*Цена: 1 кредит")
    await seller.forges(f"card:format:{job['id']}")
    await seller.sees("Для какой площадки")
    await seller.forges(f"card:retry:{job['id']}")
    await seller.sees("Название «Кружка керамическая» запомнил")
    await seller.forges("card:new")
    await seller.sees("Пришлите фото товара")
    await seller.forges("card:resume")
    await seller.sees("Пришлите фото товара")


async def test_an_order_that_has_begun_is_stopped_if_there_is_time_and_the_credits_come_back(seller, photo, shop):
    await to_confirm(seller, photo)
    await seller.presses("Сделать")
    await seller.says("/cancel")
    await shop.settle(seller)
    [job] = await shop.jobs(seller)
    assert await shop.balance(seller) == {"cancelled": 2, "done": 1}[job["state"]]


async def test_no_button_of_an_order_is_dead(seller, photo, shop):
    """Dead buttons were a fault of the predecessors: each one on the way to a card is pressed and answers."""
    await to_confirm(seller, photo)
    await seller.presses("Сделать")
    card = await seller.sees("Карточка готова")
    await shop.stack.idle()
    for label in buttons(card):
        before = [words(one) for one in await seller.messages()]
        await seller.presses(label, on=card)
        assert seller.delivery["status"] == 200
        assert [words(one) for one in await seller.messages()] != before or seller.toast, label
        assert not seller.toast or "не действует" not in str(seller.toast.get("text")), label
