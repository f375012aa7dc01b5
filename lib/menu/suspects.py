"""Finds words in a menu that read like a command to the assistant, so that the shop sees what it publishes.

Only a mark: such an item is sold like any other. What a menu says is data, and the assistant obeys none of it.
"""

import re
import unicodedata
from collections.abc import Sequence

from lib.menu import words
from lib.menu.goods import MenuItem

_COMMAND = re.compile(
    r"\b(?:игнорир|проигнорир|забуд[ьу]|не обращай внимани|притвори|представь,? что|веди себя|повинуйся|подчиняйся)"
    r"|\b(?:скажи|говори|сообщай|сообщи|отвечай|ответь|пиши|напиши|назови|называй|обещай|предлагай|спроси|проси)\b"
    r"|\bты (?:теперь|больше не|должен|обязан)|\b(?:все|всех|любых) (?:правил|инструкц|указани)"
    r"|\bсистемн\w+ (?:сообщ|команд)"
    r"|\b(?:промпт|ии|нейросет\w*|ассистент\w*|чат-?бот\w*)\b.{0,30}\b(?:долж|обяза|скаж|отвеч)"
    r"|\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:rule|instruction|previous|above|prompt|everything)"
    r"|\b(?:system|developer) (?:prompt|message)|\byou (?:are now|must|should)\b|\bwhen (?:asked|someone asks)\b"
    r"|\b(?:always|only) (?:say|answer|reply|tell)\b|\b(?:say|tell|answer|reply|promise) (?:that|to|the|every|all)\b"
    r"|\[/?(?:system|inst|user|assistant)\]|</?\w+>|\bcard number|\bномер\w* карт|\bпаспорт|\bкод из смс"
    r"|\b(?:4\d{3}|5[1-5]\d{2}|2200)[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}\b|https?://|\bt\.me/|@\w{5,}"
)
# Latin letters that are put for Cyrillic ones to be overlooked.
_ALIKE = str.maketrans("aceopxykmhtb0369", "асеорхукмнтвозбд")


def found(items: Sequence[MenuItem]) -> list[MenuItem]:
    """Return the items with words that read like a command."""
    return [one for one in items if reads_like_command(_said(one))]


def reads_like_command(text: str) -> bool:
    """Tell whether a text commands, also where its letters are put for others that look alike."""
    flat = words.plain(unicodedata.normalize("NFKC", text))
    mixed = " ".join(_unmixed(one) for one in flat.split(" "))
    return bool(_COMMAND.search(flat) or _COMMAND.search(mixed))


def _unmixed(word: str) -> str:
    """Read a word of both alphabets as a Cyrillic one: зaбyдь."""
    return word.translate(_ALIKE) if re.search("[а-я]", word) and re.search("[a-z]", word) else word


def _said(item: MenuItem) -> str:
    return " ".join([item.title, item.category, item.description, item.unit, *(one.name for one in item.variants)])
