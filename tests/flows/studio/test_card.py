import io
import struct
import zlib

import pytest
from PIL import Image

from tests.flows.chat import buttons, words


async def to_confirm(
    seller, photo: bytes, text: str = "Кружка керамическая\nДержит тепло", preset: str = "Wildberries"
):
    await seller.sends_photo(photo)
    await seller.says(text)
    await seller.presses(preset)
    return await seller.sees("Цена: 1 кредит")


async def test_a_photo_becomes_a_card(seller, photo, shop):
    confirm = await to_confirm(seller, photo)
    assert "На балансе 2 кредита, после заказа останется 1 кредит" in words(confirm)
    await seller.presses("Сделать")
    card = await seller.sees("Карточка готова: Wildberries")
    assert card["message_id"] == confirm["message_id"], "the status message became the card"
    assert "Баланс: 1 кредит" in words(card)
    assert list(buttons(card)) == ["Ещё вариант", "Другой формат", "Новая карточка", "Меню"]
    file = await seller.sees("Файл в полном качестве")
    picture = Image.open(io.BytesIO(await shop.download(file["document"]["file_id"])))
    assert (picture.format, picture.width * 4, picture.width >= 900) == ("PNG", picture.height * 3, True)
    assert await shop.balance(seller) == 1


@pytest.mark.parametrize(("preset", "ratio"), [("Ozon", 3 / 4), ("Белый фон", 1), ("Сторис", 9 / 16)])
async def test_every_preset_has_its_shape(seller, photo, shop, preset, ratio):
    await to_confirm(seller, photo, preset=preset)
    await seller.presses("Сделать")
    file = await seller.sees("Файл в полном качестве")
    picture = Image.open(io.BytesIO(await shop.download(file["document"]["file_id"])))
    assert picture.width / picture.height == pytest.approx(ratio, abs=0.001)


async def test_a_caption_is_the_text(seller, photo):
    await seller.sends_photo(photo, caption="Кружка\nДержит тепло")
    await seller.sees("Для какой площадки")


@pytest.mark.parametrize(("form", "mime"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
async def test_a_photo_can_come_as_a_file(seller, product, form, mime):
    await seller.sends_file(product(form), f"mug.{form.lower()}", mime)
    await seller.sees("напишите название")


async def test_a_white_card_needs_no_text(seller, photo):
    await seller.sends_photo(photo)
    await seller.presses("Без текста, белый фон")
    await seller.sees("Проверьте заказ: Белый фон 1:1")


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


async def test_no_credits_left_keeps_the_draft(seller, photo, shop):
    for _ in range(2):
        await to_confirm(seller, photo)
        await seller.presses("Сделать")
        await seller.sees("Карточка готова")
    await seller.presses("Ещё вариант")
    await seller.sees("Не хватает кредитов: карточка стоит 1 кредит, на балансе 0 кредитов")
    assert await shop.balance(seller) == 0


async def test_one_more_look_shows_its_price_first(seller, photo, shop):
    await to_confirm(seller, photo)
    await seller.presses("Сделать")
    first = await seller.sees("Карточка готова")
    await seller.presses("Ещё вариант")
    second = await seller.sees("Цена: 1 кредит")
    assert second["message_id"] != first["message_id"], "a result is never overwritten"
    assert await shop.balance(seller) == 1


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
    for forged in (f"card:again:{job['id']}", f"card:cancel:{job['id']}", "card:again:1e9", "card:preset:free", "x:y"):
        await mallory.forges(forged)
    assert not await shop.jobs(mallory)
    assert await shop.balance(mallory) == 2


async def test_text_where_a_photo_is_expected_is_kept(seller, photo):
    await seller.says("Кружка керамическая")
    await seller.sees("Название «Кружка керамическая» запомнил.*пришлите фото")
    await seller.sends_photo(photo)
    await seller.sees("Для какой площадки")


async def test_a_sticker_where_a_photo_is_expected(seller, product):
    await seller.sends_sticker(product("WEBP"))
    await seller.sees("использовать не могу.*Пришлите фото товара")


async def test_the_first_of_an_album_is_taken_and_said(seller, photo):
    await seller.sends_photo(photo, photo, photo)
    await seller.sees("Из альбома взял первое фото")
    assert sum("альбома" in words(message) for message in await seller.messages()) == 1


@pytest.mark.parametrize("text", ["🔥🔥🔥", "ш" * 4000])
async def test_a_title_that_cannot_be_drawn_is_asked_for_again(seller, photo, text):
    await seller.sends_photo(photo)
    await seller.says(text)
    await seller.sees("нет слов|слишком длинное: 4000 знаков")
    await seller.says("<b>Кружка</b> 🔥 & Ко")
    await seller.presses("Сторис")
    await seller.sees("Кружка & Ко.*Цена: 1 кредит")


async def test_words_a_marketplace_refuses_are_named_before_paying(seller, photo):
    await seller.sends_photo(photo)
    await seller.says("Кружка 990 ₽")
    await seller.presses("Wildberries")
    await seller.sees("Wildberries не пропускает карточки с ценами.*990 ₽")
    await seller.says("Кружка")
    await seller.sees("Цена: 1 кредит")


def hollow_png(width: int, height: int) -> bytes:
    """A PNG that is whole from outside, and holds too few pixels for the size it claims."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(4096))) + chunk(b"IEND", b"")
    )


BAD_FILES = {
    "400 megapixels": (hollow_png(20_000, 20_000), "a.png", "image/png", "40 мегапикселей"),
    "HEIC": (b"\0\0\0\x18ftypheic" + bytes(400), "a.heic", "image/heic", "HEIC"),
    "PDF": (b"%PDF-1.7" + bytes(400), "a.pdf", "application/pdf", "не похоже на фото"),
    "over 20 MB": (b"\xff\xd8\xff" + bytes(21 * 1024 * 1024), "a.jpg", "image/jpeg", "больше 20 МБ"),
}


@pytest.mark.parametrize("case", BAD_FILES)
async def test_a_file_that_is_no_usable_photo_is_refused_in_words(seller, shop, case):
    data, name, mime, sentence = BAD_FILES[case]
    await seller.sends_file(data, name, mime)
    await seller.sees(f"{sentence}.*Пришлите фото товара")
    assert await shop.balance(seller) == 2


async def test_a_truncated_jpeg_is_refused_in_words(seller, product, shop):
    await seller.sends_file(product("JPEG")[:-2000], "a.jpg", "image/jpeg")
    await seller.sees("Файл повреждён")
    assert await shop.balance(seller) == 2


async def test_a_photo_that_only_the_worker_can_refuse_is_refunded(seller, shop):
    await seller.sends_file(hollow_png(900, 1200), "a.png", "image/png")
    await seller.says("Кружка")
    await seller.presses("Ozon")
    await seller.presses("Сделать")
    failed = await seller.sees("Файл повреждён.*Вернули 1 кредит. На балансе: 2 кредита")
    assert "Прислать другое фото" in buttons(failed)
    assert [row["kind"] for row in await shop.ledger(seller)] == ["trial", "charge", "refund"]
    await seller.presses("Прислать другое фото")
    await seller.sees("Название «Кружка» запомнил")


async def test_an_order_can_be_cancelled_while_it_waits(seller, photo, shop):
    async with shop.without_worker():
        await to_confirm(seller, photo)
        await seller.presses("Сделать")
        queued = await seller.sees("Место в очереди: 1")
        await seller.presses("Отменить заказ")
        cancelled = await seller.sees("Заказ отменён, кредиты вернулись. На балансе 2 кредита")
        assert cancelled["message_id"] == queued["message_id"]
    assert [row["kind"] for row in await shop.ledger(seller)] == ["trial", "charge", "refund"]


async def test_cancel_takes_back_the_last_order_while_it_waits(seller, photo, shop):
    async with shop.without_worker():
        await to_confirm(seller, photo)
        await seller.presses("Сделать")
        await seller.says("/cancel")
        await seller.sees("Заказ отменён, кредиты вернулись.*Баланс: 2 кредита")
