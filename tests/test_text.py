import ast
import html
import re
import string
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po

from lib import text
from ops import texts

ROOT = Path(__file__).parent.parent


def catalogue(language: str):
    found: dict[Any, Any] = {}
    for path in texts.sources():
        if path.parts[-3] == language:
            with path.open("rb") as file:
                found |= {message.id: message.string for message in read_po(file, locale=language) if message.id}
    return found


def fields(sentence: str) -> set[tuple[str, str]]:
    return {(name, spec or "") for _, name, spec, _ in string.Formatter().parse(sentence) if name}


def test_both_languages_have_every_sentence_with_the_same_fields():
    russian, english = catalogue("ru"), catalogue("en")
    assert russian.keys() == english.keys()
    for key, sentence in russian.items():
        if isinstance(key, str):
            assert fields(sentence) == fields(english[key]), key


def test_no_sentence_leaves_the_plural_to_the_reader():
    """ "кредит(ов)" was a fault of the predecessors."""
    for language in text.LANGUAGES:
        for key, sentence in catalogue(language).items():
            for form in sentence if isinstance(key, tuple) else [sentence]:
                assert not re.search(r"\w\((?:а|ов|ев|ей|и|ы|я|es|s)\)", form), key


LABELS = re.compile(
    r"(?:screen\.(?:button|link)\(turn, "
    r'|Button\((?:turn\.text|text\.say)\((?:turn\.|desk\.|order\.)?(?:language, )?)"([a-z0-9_.]+)"'
)


NAME = r"\{(?:shop|title|partner)\}"
NAME_WITH_A_VERB = re.compile(rf"(?<!агазин )(?<!агазине )(?:<b>{NAME}</b>|(?<!<b>)(?<!«){NAME}) [а-яё]")
NAME_IN_A_CASE = re.compile(r"(?:клиент|сотрудник|кассир)(?:а|у|ом|е) (?:<b>)?\{(?:name|who)\}")


@pytest.mark.parametrize(
    ("sentence", "reads_wrong"),
    [
        ("<b>{shop}</b> пока не ответил", True),
        ("{title} снова работает", True),
        ("отзыв клиента {name}", True),
        ("<b>{shop}</b>: пока не ответили", False),
        ("Магазин <b>{title}</b> закрылся", False),
        ("Подарок «{title}» одобрен", False),
        ("Клиент: {name}", False),
    ],
)
def test_a_name_that_a_sentence_bends_is_found(sentence, reads_wrong):
    assert bool(NAME_WITH_A_VERB.search(sentence) or NAME_IN_A_CASE.search(sentence)) is reads_wrong


def test_no_sentence_makes_a_name_agree_with_its_words():
    """A shop is called «Кофейня», «Зерно» or «Цветы», a client Борис or Анна: each sentence reads right for all."""
    for key, sentence in catalogue("ru").items():
        for said in sentence if isinstance(sentence, tuple) else (sentence,):
            assert not NAME_WITH_A_VERB.search(said), key
            assert not NAME_IN_A_CASE.search(said), key


def test_a_button_of_the_studio_is_short_in_both_languages():
    sources = [*(ROOT / "lib" / "flows" / "studio").rglob("*.py"), *(ROOT / "lib" / "tasks").rglob("*.py")]
    labels = {key for path in sources for key in LABELS.findall(path.read_text(encoding="utf-8"))}
    assert len(labels) > 30
    for language in text.LANGUAGES:
        known = catalogue(language)
        for key in labels:
            assert len(re.sub(r"{[^}]*}", "12", known[key])) <= 20, (language, known[key])


@pytest.mark.parametrize("language", text.LANGUAGES)
@pytest.mark.parametrize(("part", "most"), [("about", 120), ("description", 512)])
def test_what_telegram_shows_of_a_bot_is_no_longer_than_it_takes(language, part, most):
    told = {key: said for key, said in catalogue(language).items() if re.fullmatch(rf"bot\.\w+\.{part}", str(key))}
    assert len(told) == 4
    assert all(len(said) <= most for said in told.values())


def test_no_sentence_is_empty():
    for language in text.LANGUAGES:
        for key, sentence in catalogue(language).items():
            assert all(sentence if isinstance(key, tuple) else [sentence]), key


@pytest.mark.parametrize("source", texts.sources(), ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_the_compiled_catalogue_is_the_written_one(source):
    assert source.with_suffix(".mo").read_bytes() == texts.compiled(source), "run: python -m ops texts"


@pytest.mark.parametrize("source", texts.sources(), ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_a_file_holds_only_the_sentences_that_are_looked_for_in_it(source):
    with source.open("rb") as file:
        keys = [message.id for message in read_po(file, locale=source.parts[-3]) if message.id]
    files = {path.stem for path in texts.sources()}
    for key in keys:
        first = (key if isinstance(key, str) else key[0]).partition(".")[0]
        assert source.stem == (first if first in files else text.COMMON), key


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 кредитов"), (1, "1 кредит"), (2, "2 кредита"), (5, "5 кредитов"), (11, "11 кредитов"), (21, "21 кредит")],
)
def test_russian_plurals(number, words):
    assert words in text.say("ru", "menu.home", balance=number)


def test_a_users_words_stay_words():
    assert "&lt;b&gt;Ева&lt;/b&gt;" in text.say("ru", "start.again", name="<b>Ева</b>")


def test_a_sentence_within_a_sentence_is_escaped_once():
    inner = text.say("ru", "start.again", name="<b>")
    assert "&lt;b&gt;" in text.say("ru", "start.again", name=inner)
    assert "&amp;lt;" in text.say("ru", "start.again", name="&lt;")


def test_a_missing_sentence_is_an_error():
    with pytest.raises(KeyError):
        text.say("en", "no.such.sentence")


KEY = re.compile(r"[a-z_]+(\.[a-z0-9_]+)+")
FILES = (".png", ".jpg", ".pdf", ".csv", ".mp4", ".json", ".txt")


def named(tree: ast.AST) -> Iterator[str]:
    """Name the strings that look like keys, wherever they stand; a part of a longer one (an f-string) is none."""
    waiting = [tree]
    while waiting:
        for node in ast.iter_child_nodes(waiting.pop()):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and KEY.fullmatch(node.value):
                yield node.value
            elif not isinstance(node, ast.JoinedStr):
                waiting.append(node)


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_no_line_of_a_sentence_breaks_before_the_sign_of_an_amount(language):
    sentences = [one if isinstance(one, str) else " ".join(one) for one in catalogue(language).values()]
    assert [one for one in sentences if re.search(r"[\d}] [₽$%]", one)] == []


def test_every_sentence_named_in_the_code_exists():
    first = {(key if isinstance(key, str) else key[0]).partition(".")[0] for key in catalogue("ru")}
    for path in (ROOT / "lib").rglob("*.py"):
        for key in named(ast.parse(path.read_text())):
            if key.partition(".")[0] in first and not key.endswith(FILES):
                assert text.knows(key), f"{path.name}: {key}"


GUESSES = [("", "ru"), ("ru-RU", "ru"), ("kk", "ru"), ("en", "en"), ("pt-br", "en")]


@pytest.mark.parametrize(("code", "language"), GUESSES)
def test_the_first_language_is_guessed_from_the_client(code, language):
    assert text.guess(code) == language


NB = "\u00a0"
AT = datetime(2027, 3, 7, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("shown", "value", "russian", "english"),
    [
        (text.number, 1234567, f"1{NB}234{NB}567", "1,234,567"),
        (text.number, -5, "−5", "−5"),
        (text.decimal, 150, "1,5", "1.5"),
        (text.decimal, 1000, "10", "10"),
        (text.decimal, 5, "0,05", "0.05"),
        (text.money, 123_450, f"1{NB}234,50{NB}₽", f"1,234.50{NB}₽"),
        (text.money, 35_000, f"350{NB}₽", f"350{NB}₽"),
        (text.money, -5, f"−0,05{NB}₽", f"−0.05{NB}₽"),
        (text.dollars, 50_282, f"502,82{NB}$", "$502.82"),
        (text.percent, 750, f"7,5{NB}%", "7.5%"),
        (text.percent, -10_000, f"−100{NB}%", "−100%"),
        (text.day, AT, "7 марта", "7 March"),
        (text.date, AT, "7 марта 2027", "7 March 2027"),
        (text.short_day, AT, "07.03", "7 Mar"),
        (text.moment, AT, "7 марта 2027, 14:05", "7 March 2027, 14:05"),
        (text.short_moment, AT, "07.03, 14:05", "7 Mar, 14:05"),
    ],
)
def test_each_language_writes_numbers_money_and_dates_its_own_way(shown, value, russian, english):
    assert (shown("ru", value), shown("en", value)) == (russian, english)


def test_no_sentence_writes_numbers_money_or_dates_by_itself():
    """A sign beside a field, or a Russian number in English, means that the one place for it was passed by."""
    for language in text.LANGUAGES:
        for key, sentence in catalogue(language).items():
            for form in sentence if isinstance(key, tuple) else [sentence]:
                assert not re.search(r"\}[ \u00a0]?[₽$%]|[₽$]\{", form), (language, key)
                english = language == "en"
                assert not (english and re.search(r"\d[ \u00a0]%|\d,\d\d?\b|₽\d|\b\d{1,2}\.[01]\d\b", form)), key


def test_no_code_formats_a_date_or_money_past_the_languages():
    """What is not for people may: keys of jobs, names of files, the sheet for Excel."""
    allowed = {"lib/text.py", "lib/tables/cells.py", "lib/studio/words.py"}
    for path in (ROOT / "lib").rglob("*.py"):
        name = path.relative_to(ROOT).as_posix()
        if name not in allowed and "/drawing/" not in name:
            source = path.read_text(encoding="utf-8")
            assert not re.search(r"%d\.%m|\} ₽|\} %[\"']|:,\}|:g\}", source), name


def units(words):
    """Count as Telegram does: UTF-16 units, without the marks of HTML."""
    return len(html.unescape(re.sub(r"<[^<>]*>", "", words)).encode("utf-16-le")) // 2


LETTER = {"title": "Кофейня", "name": "Анна"}


@pytest.mark.parametrize(
    "words",
    [
        "слово " * 2000,
        "щ" * 9000,
        "👩\u200d🍳" * 3000,
        "<b>&\n" * 2500,
        "а\n" + "щ" * 8000,
    ],
    ids=["words", "one word", "emoji", "markup", "a line"],
)
def test_a_long_letter_is_said_in_parts_that_telegram_takes_and_loses_nothing(words):
    whole = text.say("ru", "client.letter.told", **LETTER, words="\0")
    before, after = whole.split("\0")
    said = text.parts("ru", "client.letter.told", **LETTER, words=words)
    assert len(said) > 1
    assert all(units(part) <= text.MESSAGE for part in said)
    assert all(part.startswith(before) and part.endswith(after) for part in said), "each says whose it is"
    pieces = [part.removeprefix(before).removesuffix(after) for part in said]
    assert html.unescape("".join(pieces)) == words


def test_what_fits_is_one_message_as_it_is():
    words = "щ" * (text.MESSAGE - units(text.say("ru", "client.letter.told", **LETTER, words="")))
    for more, number in (("", 1), ("щ", 2)):
        assert len(text.parts("ru", "client.letter.told", **LETTER, words=words + more)) == number


def test_a_part_ends_at_a_space_where_there_is_one_in_its_second_half():
    words = ("щ" * 99 + " ") * 60
    first, *_ = text.parts("ru", "client.letter.told", **LETTER, words=words)
    assert re.search("щ{99} ", first)
    assert not re.search("(?<!щ)щ{1,98}(?!щ)", first)


@pytest.mark.parametrize(
    ("room", "fits"), [(0, []), (4, []), (5, ["abc"]), (9, ["abc"]), (10, ["abc", "def"]), (99, ["abc", "def", "👍"])]
)
def test_as_many_sentences_are_taken_as_fit_with_the_lines_between(room, fits):
    assert text.fitting(["abc", "def", "👍"], room) == fits


@pytest.mark.parametrize(
    ("seconds", "russian", "english"),
    [
        (0, "1 секунда", "1 second"),
        (1.4, "1 секунда", "1 second"),
        (95, "95 секунд", "95 seconds"),
        (119.4, "119 секунд", "119 seconds"),
        (120, "2 минуты", "2 minutes"),
        (150, "2 минуты", "2 minutes"),
        (151, "3 минуты", "3 minutes"),
        (3600, "60 минут", "60 minutes"),
    ],
)
def test_a_time_that_has_passed_is_whole_and_in_one_unit(seconds, russian, english):
    assert [text.span(language, seconds).replace(NB, " ") for language in text.LANGUAGES] == [russian, english]


def test_a_language_that_we_do_not_speak_reads_russian():
    assert text.say("de", "button.menu") == text.say("ru", "button.menu")


def test_what_is_missing_stays_words_whatever_it_should_have_been():
    assert "—" in text.say("ru", "menu.home", balance="—")
