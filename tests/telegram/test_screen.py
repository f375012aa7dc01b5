"""The kit of all screens: what a button's data may hold, lists by pages there and back, words that fit."""

import pytest

from lib.telegram import conversation, screen
from lib.telegram.client import Button
from tests.telegram import paper

LABELS = screen.PageLabels("admin.previous", "admin.next", "admin.first")
TWO_LABELS = screen.PageLabels("client.button.newer", "client.button.older")
HOSTILE = ["", "-1", "+1", "1.0", " 1", "1 ", "１", "²", "0x1", "1e3", "9" * 19, "'; drop table users", "None", "\x00"]


def data(rows):
    return [[button.data for button in row] for row in rows]


class Reader:
    """Somebody who turns the pages of one list."""

    def __init__(self, labels=LABELS, place="list"):
        self.labels, self.place, self.state = labels, place, conversation.State(who={"language": "ru"})

    def reads(self, at, onward):
        rows = screen.pages(paper.turn(paper.press("x"), self.state), self.place, at, onward, self.labels)
        return data(rows)


@pytest.mark.parametrize("words", HOSTILE)
def test_what_is_no_id_is_the_id_of_nothing(words):
    assert screen.number(words) == 0


def test_an_id_is_read_up_to_eighteen_digits():
    assert [screen.number(words) for words in ("7", "007", "9" * 18)] == [7, 7, 10**18 - 1]


@pytest.mark.parametrize(
    ("said", "action", "argument"),
    [
        ("goods:one:7", "one", "7"),
        ("goods:one:7:8", "one", "7:8"),
        ("goods", "", ""),
        ("goods:", "", ""),
        (":::", "", ":"),
        ("", "", ""),
    ],
)
def test_a_press_says_what_is_asked_and_the_rest(said, action, argument):
    assert screen.pressed(paper.turn(paper.press(said))) == (action, argument)


def test_words_that_look_like_a_buttons_data_are_no_press():
    turn = paper.turn(paper.text("goods:one:7"))
    assert (screen.pressed(turn), screen.parts(turn), screen.asked(turn)) == (("", ""), ("", "", ""), "")


@pytest.mark.parametrize(
    ("said", "parts"),
    [
        ("find:in:shops:3", ("in", "shops", "3")),
        ("find:in", ("in", "", "")),
        ("find", ("", "", "")),
        ("find:1:2:3:4:5", ("1", "2", "3")),
        ("", ("", "", "")),
    ],
)
def test_a_press_has_three_parts_whatever_it_holds(said, parts):
    assert screen.parts(paper.turn(paper.press(said))) == parts


async def test_an_old_button_says_so_and_is_answered_once():
    turn = paper.turn(paper.press("x"))
    await screen.refuse_old_button(turn)
    await screen.refuse_old_button(turn)
    assert turn.chat.toasts == [turn.text("error.old_button")]


def test_a_screen_ends_with_the_way_back_and_the_menu():
    turn = paper.turn(paper.press("x"))
    assert data([screen.home(turn, "goods:list"), screen.home(turn)]) == [["goods:list", "menu:home"], ["menu:home"]]


def test_buttons_stand_in_rows_and_the_last_may_be_shorter():
    buttons = [Button(str(one), str(one)) for one in range(5)]
    assert data(screen.in_rows(buttons)) == [["0", "1"], ["2", "3"], ["4"]]
    assert screen.in_rows([]) == []


def test_the_lines_of_a_list_are_numbered_from_one_and_lead_to_their_ids():
    rows = screen.picks("one", [11, 12, 13, 14, 15, 16])
    assert [[button.label for button in row] for row in rows] == [["1", "2", "3", "4", "5"], ["6"]]
    assert data(rows)[1] == ["one:16"]


def test_words_on_a_button_are_one_line_and_fit():
    assert screen.short("Кофе\nи  булки", 20) == "Кофе и булки"
    assert screen.short("Кофейня на углу", 9) == "Кофейня…"
    assert len(screen.short("а" * 500)) == 20


def test_empty_parts_leave_no_gap():
    assert screen.paragraphs("", "one", "", "two", "") == "one\n\ntwo"
    assert screen.paragraphs() == ""


def test_a_list_of_one_page_has_nothing_to_turn():
    assert Reader().reads(None, None) == []


def test_pages_lead_on_and_back_the_way_one_came():
    reader = Reader()
    assert reader.reads(None, 10) == [["list:10"]]
    assert reader.reads("10", 20) == [["list", "list:20"]]
    assert reader.reads("20", None) == [["list:10"], ["list"]]
    assert reader.reads("10", 20) == [["list", "list:20"]]
    assert reader.reads(None, 10) == [["list:10"]]


def test_a_page_that_is_pressed_twice_leads_back_all_the_same():
    reader = Reader()
    reader.reads(None, 10)
    assert reader.reads("10", 20) == reader.reads("10", 20) == [["list", "list:20"]]


def test_another_list_begins_a_way_of_its_own():
    reader = Reader()
    reader.reads(None, 10)
    reader.place = "other"
    assert reader.reads("10", None) == [["other"]]


@pytest.mark.parametrize(("labels", "rows"), [(LABELS, [["list:20"], ["list"]]), (TWO_LABELS, [["list", "list:20"]])])
def test_an_old_button_to_the_middle_of_a_list_has_a_way_to_its_beginning(labels, rows):
    assert Reader(labels).reads("10", 20) == rows


def test_a_long_way_is_not_kept_for_ever():
    reader = Reader()
    for at in range(200):
        rows = reader.reads(at, at + 1)
    assert rows == [["list:198", "list:200"], ["list"]]
    assert len(reader.state.data["pages"]["at"]) == screen.DEEPEST


def test_something_opened_from_a_page_leads_back_to_that_page():
    reader = Reader(place="list:shops:7")
    reader.reads("10", 20)
    turn = paper.turn(paper.press("x"), reader.state)
    assert screen.last_page(turn, "menu:home", "list:shops") == "list:shops:7:10"
    assert screen.last_page(turn, "menu:home", "list:shop") == "menu:home"
    assert screen.last_page(paper.turn(paper.press("x")), "menu:home", "list") == "menu:home"


def test_words_that_a_button_cannot_hold_are_cut_and_known_by_their_beginning():
    cities = ["Пермь", "Петропавловск-Камчатский", "Петрозаводск"]
    data = screen.fitted("cast:to:1000000000000001:city=", cities[1])
    assert len(data.encode()) <= 64
    assert data.endswith(screen.CUT)
    assert screen.whole(data.partition("=")[2], cities) == cities[1]
    assert screen.fitted("cast:to:1:city=", "Пермь") == "cast:to:1:city=Пермь"
    assert screen.whole("Пермь", cities) == "Пермь"
    assert screen.whole("Омск…", cities) == "Омск…"
