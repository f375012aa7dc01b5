import csv
import io
from pathlib import Path

import pytest

from bench import assistant
from lib import errors
from lib.menu import sheet
from lib.menu.goods import MenuItem, Variant

CAFE = Path(assistant.MENUS / "cafe.csv").read_text(encoding="utf-8")


def as_excel_writes_it(text):
    """The file as Russian Excel saves it: windows-1251, semicolons, decimal commas, its own headings."""
    rows = list(csv.reader(io.StringIO(text)))
    head = ["Код", "Категория", "Название", "Вариант", "Цена, руб.", "Описание", "Краткое меню", "В наличии"]
    says = {"1": "да", "0": "нет"}
    lines = [
        [*row[:4], f"{int(row[4]):,}".replace(",", "\u00a0") + ",00", row[5], *map(says.get, row[6:])]
        for row in rows[1:]
    ]
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=";").writerows([head, *lines])
    return file.getvalue().encode("cp1251")


def faults(text):
    return [(one.row, one.code) for one in sheet.read(text.encode()).faults]


def test_a_file_of_excel_gives_the_same_menu_as_the_plain_one():
    plain, excel = sheet.read(CAFE.encode()), sheet.read(as_excel_writes_it(CAFE))
    assert plain.faults == ()
    assert plain == excel
    assert len(plain.items) == 60
    assert plain.items[2].variants[1] == Variant("300 мл", 25000)


@pytest.mark.parametrize("language", ["ru", "en"])
def test_what_is_written_is_read_back(language):
    items = (
        MenuItem("7", "Ремонт", "=Плата", (Variant("", 400000, at_least=True),), "-«да», нет", in_short=False),
        MenuItem("К-1", "", "Диагностика", (Variant("сразу", 0), Variant("позже", 150)), available=False),
        MenuItem("8", "", "Капучино", (Variant("", 20000),), unit="порция", names=("капуч", "капа")),
    )
    assert sheet.read(sheet.dump(items, language)).items == items


def test_each_fault_names_its_row_and_nothing_is_taken():
    text = "Название;Цена;В наличии;Вариант\n;10\nЛатте;дорого\nМокко;\n\nРаф;10;может\nЧай;5;;S\nЧай;6;;S\nСок;1,5;да"
    assert faults(text) == [
        (2, "no_title"),
        (3, "bad_price"),
        (4, "no_price"),
        (6, "no_yes_or_no"),
        (8, "same_variant"),
    ]
    assert sheet.read(text.encode()).items == ()


def test_a_file_without_a_title_or_a_price_column_says_so():
    assert faults("Имя;Сумма\nЛатте;10") == [(1, "no_columns")]
    assert faults("") == [(1, "no_columns")]
    assert faults("Название;Цена\n") == [(1, "empty")]


def test_two_titles_under_one_code_are_a_fault():
    assert faults("Код;Название;Цена\n1;Латте;10\n1;Мокко;12") == [(3, "other_title")]


def test_tags_links_and_marks_go_out_of_titles():
    [item] = sheet.read("Название;Цена\n<b>Латте</b>\u202e https://evil.example/x;10".encode()).items
    assert item.title == "Латте"


def test_a_title_that_is_too_long_is_a_fault():
    assert faults(f"Название;Цена\n{'я' * 65};10") == [(2, "long_title")]


def test_an_item_without_a_code_keeps_the_one_it_has():
    present = [MenuItem("7", "Кофе", "Латте", (Variant("", 100),))]
    text = "Категория;Название;Цена\nКофе;Мокко;10\nКофе;латте;20"
    assert [(one.code, one.title) for one in sheet.read(text.encode(), present).items] == [
        ("2", "Мокко"),
        ("7", "латте"),
    ]


@pytest.mark.parametrize(
    ("said", "variants"),
    [
        ("250", (Variant("", 25000),)),
        ("от 1 290,50 ₽", (Variant("", 129050, at_least=True),)),
        ("300 мл 250\n400 мл — 290 р", (Variant("300 мл", 25000), Variant("400 мл", 29000))),
        (
            "Большая - 1 500, маленькая: от 900",
            (Variant("Большая", 150000), Variant("маленькая", 90000, at_least=True)),
        ),
        ("S: 0; M 5", (Variant("S", 0), Variant("M", 500))),
    ],
)
def test_typed_prices_are_read_with_their_variants(said, variants):
    assert sheet.item([{"title": "Латте", **one} for one in sheet.priced(said)]).variants == variants


@pytest.mark.parametrize(("said", "fault"), [("", "no_price"), ("латте", "bad_price"), ("5\n5", "same_variant")])
def test_typed_prices_that_cannot_be_read_say_why(said, fault):
    with pytest.raises(errors.Invalid) as caught:
        sheet.item([{"title": "Латте", **one} for one in sheet.priced(said)])
    assert caught.value.code == fault


def test_an_item_of_a_form_has_a_free_code_and_a_title_of_its_own():
    present = [MenuItem("2", "Кофе", "Латте", (Variant("", 100),))]
    assert sheet.item([{"category": "Кофе", "title": "Мокко", "price": "10"}], present).code == "3"
    with pytest.raises(errors.Invalid, match="same_title"):
        sheet.item([{"category": "кофе", "title": "ЛАТТЕ", "price": "10"}], present)


def test_an_item_is_what_its_rows_say():
    item = MenuItem(
        "7", "Ремонт", "Плата", (Variant("а", 400000, at_least=True), Variant("б", 5)), "да", "шт", available=False
    )
    assert sheet.item(sheet.rows(item)) == item


def test_a_file_keeps_the_photos_that_it_does_not_hold():
    present = [MenuItem("7", "Кофе", "Латте", (Variant("", 100),), photo="p")]
    assert [
        one.photo for one in sheet.read("Категория;Название;Цена\nКофе;Латте;20\nКофе;Раф;9".encode(), present).items
    ] == ["p", ""]


def test_a_code_that_no_button_has_room_for_is_a_fault():
    assert faults(f"Код;Название;Цена\n{'🥐' * 11};Латте;10") == [(2, "long_code")]


LAST = {"ru": "Другие названия", "en": "Other names"}


@pytest.mark.parametrize("language", ["ru", "en"])
def test_each_column_that_is_written_has_its_heading(language):
    item = MenuItem("8", "Кофе", "Капучино", (Variant("300 мл", 20000),), "с пенкой", "порция", names=("капа",))
    written = sheet.dump([item], language).decode("utf-8-sig")
    head, row = csv.reader(io.StringIO(written), delimiter=";" if language == "ru" else ",")
    assert len(head) == len(row)
    assert head[-1] == LAST[language]


@pytest.mark.parametrize(
    ("head", "found"),
    [
        ("Код;Название;Цена", {"code": 0, "title": 1, "price": 2}),
        ("Артикул;Наименование товара;Стоимость, руб.", {"code": 0, "title": 1, "price": 2}),
        ("SKU;Product name;Cost", {"code": 0, "title": 1, "price": 2}),
        ("Раздел;Блюдо;Порция;Цена;Состав", {"category": 0, "title": 1, "variant": 2, "price": 3, "description": 4}),
        ("НАЗВАНИЕ;  ЦЕНА  ", {"title": 0, "price": 1}),
        ("Цена;Название;Цена", {"price": 0, "title": 1}),
        ("Название;;Цена", {"title": 0, "price": 2}),
        ("Название;Вес;Цена", {"title": 0, "price": 2}),
        ("Объём;Товар;Цена", {"variant": 0, "title": 1, "price": 2}),
        ("", {}),
    ],
)
def test_columns_are_found_by_what_people_call_them(head, found):
    assert sheet._columns(head.split(";")) == found


@pytest.mark.parametrize(
    ("cell", "kopecks", "at_least"),
    [
        ("250", 25000, False),
        ("250,50", 25050, False),
        ("250.5", 25050, False),
        ("250 ₽", 25000, False),
        ("250 руб.", 25000, False),
        ("1 200", 120000, False),
        ("1\u00a0200,00", 120000, False),
        ("от 250", 25000, True),
        ("From 250", 25000, True),
        ("ОТ  250 р.", 25000, True),
        ("0", 0, False),
        ("0,00 руб", 0, False),
        ("от 0", 0, True),
    ],
)
def test_a_price_is_read_in_kopecks(cell, kopecks, at_least):
    assert sheet._kopecks(cell) == (kopecks, at_least)


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("", "no_price"),
        ("от ", "no_price"),
        ("дорого", "bad_price"),
        ("-5", "bad_price"),
        ("1,234", "bad_price"),
        ("1e5", "bad_price"),
        ("250 $", "bad_price"),
        ("250-300", "bad_price"),
        ("10000000,01", "bad_price"),
        ("9" * 400, "bad_price"),
    ],
)
def test_a_price_that_is_none_is_a_fault(cell, code):
    with pytest.raises(sheet._RowFault) as caught:
        sheet._kopecks(cell)
    assert caught.value.args[0] == code


@pytest.mark.parametrize("cell", ["да", "Да", " YES ", "1", "true", "+", "д", "y", ""])
def test_what_means_yes(cell):
    assert sheet._flag(cell)


@pytest.mark.parametrize("cell", ["нет", "НЕТ", "no", "0", "false", "-", "н", "n", "стоп"])
def test_what_means_no(cell):
    assert not sheet._flag(cell)


@pytest.mark.parametrize("cell", ["может", "2", "yes no", "x"])
def test_what_means_neither_is_a_fault(cell):
    with pytest.raises(sheet._RowFault):
        sheet._flag(cell)


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("", ()),
        ("капа", ("капа",)),
        ("Капа, КАПУЧ", ("капа", "капуч")),
        ("капа; капуч\nкапучинка", ("капа", "капуч", "капучинка")),
        ("капа, капа", ("капа",)),
        (" , ;", ()),
        ("<b>капа</b>", ("капа",)),
    ],
)
def test_other_names_stand_between_commas(cell, names):
    assert sheet._names(cell) == names


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (",".join(f"имя{number}" for number in range(sheet.MOST_NAMES + 1)), "too_many_names"),
        ("ж" * (sheet.NAME + 1), "long_names"),
        ("!!!", "long_names"),
    ],
    ids=["many", "long", "none"],
)
def test_other_names_have_a_measure(cell, code):
    with pytest.raises(sheet._RowFault) as caught:
        sheet._names(cell)
    assert caught.value.args[0] == code


def test_as_many_names_as_there_may_be_are_taken():
    cell = ",".join("ж" * (sheet.NAME - 1) + str(number) for number in range(sheet.MOST_NAMES))
    assert len(sheet._names(cell)) == sheet.MOST_NAMES


@pytest.mark.parametrize("name", sheet.LENGTHS)
def test_each_text_has_a_measure_and_one_less_fits(name):
    longest = "x" * sheet.LENGTHS[name]
    assert sheet._text(name, longest) == longest
    with pytest.raises(sheet._RowFault) as caught:
        sheet._text(name, longest + "x")
    assert caught.value.args[0] == f"long_{name}"


@pytest.mark.parametrize(
    ("text", "written"), [("=1+1", "'=1+1"), ("+7", "'+7"), ("-5", "'-5"), ("@x", "'@x"), ("a=", "a=")]
)
def test_no_cell_is_a_formula_and_each_is_read_back(text, written):
    assert sheet._as_words(text) == written
    assert sheet._text("title", written) == text


def test_items_have_as_many_variants_as_there_may_be():
    rows = [{"title": "Чай", "variant": str(number), "price": "5"} for number in range(sheet.MOST_VARIANTS)]
    assert len(sheet.item(rows).variants) == sheet.MOST_VARIANTS
    with pytest.raises(errors.Invalid, match="too_many_variants"):
        sheet.item([*rows, {"title": "Чай", "variant": "more", "price": "5"}])
