"""Reads the words of a card out of a pasted article: a title, and those facts that fit on a card, by rules.

    article -> sentences, lists, "name: value" lines -> a title that names the thing; the clauses with most facts

Nothing is made up: a title and each benefit stand in the article as they are, but for their first letter, a word in
front of them, and the case of a thing that is "presented". What a marketplace refuses is not proposed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lib.studio import words as card_words
from lib.studio.words import BENEFIT_LIMIT, BENEFITS, TITLE_LIMIT

LONG = 160  # characters that no title with its benefits has in one piece

_END = re.compile(r"(?<=[.!?…])\s+(?=[«\"A-ZА-ЯЁ0-9])")
_LEAD = re.compile(
    r"^(?:(?:мы\s+)?(?:представляем|предлагаем|рады представить|встречайте|знакомьтесь)(?:\s+(?:вам"
    r"|вашему вниманию))?[\s:,—–-]*"
    r"|это\s+|перед вами\s*[—–-]?\s*|(?:наш|наша|нашу|наше|наши|новый|новая|новую|новое|новые)\s+|описание\s*:?\s*"
    r"|о товаре\s*:?\s*"
    r"|название\s*:?\s*|товар\s*:\s*|(?:we (?:present|offer)|introducing|presenting|meet|this is|here is|description:"
    r"|title:|product:)\s+|(?:our|the|an?|new)\s+)+",
    re.IGNORECASE,
)
# Verbs of a lead after which a thing is named in the accusative, and nouns that look like one and are none.
_SHOWS = re.compile(r"(?:представляем|предлагаем|рады представить|встречайте)(?!\w)", re.IGNORECASE)
_UNBENT = ("меню", "барбекю", "рагу", "тату", "фондю", "бордо")
# Where a title ends when its sentence goes on: before what the thing does or is.
_VERB = re.compile(
    r"\s+(?:[—–-]\s|станет|станут|подойд[её]т|подходит|подойдут|подходят|поможет|помогут|помогает|помогают"
    r"|позволит|позволяет|обеспечит|обеспечивает|создан[аоы]?\b"
    r"|выполнен[аоы]?\b|изготовлен[аоы]?\b|сделан[аоы]?\b|сшит[аоы]?\b|предназначен[аоы]?\b|идеально"
    r"|отлично|прекрасно|имеет|имеют|обладает|обладают|является|"
    r"даст|дарит|дарят|подарит|сохранит|сохраняет|украсит|согреет|защитит|защищает|сочета[её]т|состоит"
    r"|держит|держат|будет|будут|это|может|могут|не\s|которы[йе]|которая|которое|"
    r"легко|быстро|надёжно|надежно|оснащ[её]н[аоы]?\b|вмещает|вмещают|связан[аоы]?\b|удобно|горит|служит"
    r"|(?:is|are|has|have|will|can|keeps?|makes?|helps?|lets?|gives?|provides?|features?|fits?|holds?|comes?|offers?"
    r"|protects?|that|which|made of)(?!\w)"
    r"|стоит|хранит|\w{2,}(?:ает|яет|ует|еет|аются|яются|ается|яется)(?!\w))",
    re.IGNORECASE,
)
_LOOSE = re.compile(
    r"[\s,;:—–-]+(?:глубоко|бережно|мягко|хорошо|тихо|долго|и|или|с|со|для|из|в|во|на|под|от|до|без|к|по"
    r"|при|а|не|с[аоы]м[а-я]+|and|or|with|for|of|in|on|to|from|by|an?|the)?[\s,;:—–-]*$",
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"\s*(?:[;•|]|(?<!\d),|,(?!\d)|\s[—–]\s|\.\s|\sand\s(?=(?:is|are|has|have|does)\s)|\((?=\D)|(?<=\D)\))\s*"
)
_START = re.compile(
    r"^(?:она|он|оно|они|а также|а|и|но|также|ещё|еще|при этом|поэтому|к тому же|кроме того|благодаря чему"
    r"|благодаря этому|то есть|зато|(?:(?:внутри|сзади|спереди|сбоку|снаружи|ещё|еще|также)\s+)?есть"
    r"|(?:and|but|also|plus|so)(?!\w),?|(?:(?:and|also|inside|outside|in the box),?\s+)?"
    r"(?:there (?:is|are)|(?:it |they )?(?:is|are|has|have))(?:\s+an?)?(?!\w)"
    r"|(?:it|they)(?!\w)|with an?)\s+",
    re.IGNORECASE,
)
_NAMED = re.compile(r"^([А-ЯЁA-Z][^:.!?]{2,24}):\s*(\S.*)$")
_BULLET = re.compile(r"^\s*(?:[-–—•·*✓✔✅☑▪●🔹🔸⭐👉]+|\d{1,2}[.)])\s*")
_HEAD = re.compile(
    r"^(?:описание|характеристики|преимущества|о товаре|особенности|комплектация|состав и уход|почему мы"
    r"|уход|размеры?|description|features|benefits|specifications|about (?:the product|this item)|care|sizes?)\s*:?$",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\d+(?:[.,]\d+)?\s?(?:\w+[ыи]х\s)?(?:программ\w*|мл|л|литр\w*|кг|г|гр|см|мм|м|вт|квт|мач|ч|час\w*|мин\w*"
    r"|дн\w*|лет|год\w*|шт\w*|%|гб|°c?|дюйм\w*|сек\w*|режим\w*|предмет\w*|уровн\w*|слоя?|слоёв|карман\w*"
    r"|скорост\w*|размер\w*|ml|l|lit(?:re|er)s?|kg|g|cm|mm|m|w|watts?|mah|h|hours?|min|minutes?|days?|months?|years?|pcs"
    r"|pieces|gb|inch(?:es)?|oz|modes?|pockets?|sizes?|speeds?|levels?)(?!\w)",
    re.IGNORECASE,
)
_COUNTED = re.compile(
    r"(?<!\w)(?:два|две|три|четыре|пять|шесть|семь|восемь|десять)\s+(?:режим|карман|отделен|уровн|насадк"
    r"|цвет|размер|скорост|сло)|(?<!\w)(?:two|three|four|five|six|seven|eight|nine|ten)\s+(?:\w+\s+)?(?:modes?|pockets?"
    r"|compartments?|levels?|colou?rs|sizes|speeds|layers|attachments)(?!\w)",
    re.IGNORECASE,
)
_FACT = re.compile(
    r"(?<!\w)(?:не \w+(?:ает|яет|ует|ит|ют|ят|[её]тся|ится|тся|[её]т)\b|автомат|отключ|фильтр|накип|прокле"
    r"|светоотраж|не бо|водонепрон|водооттал|влаго|непромока|ветро|держит|сохраня|подходит для|можно "
    r"|легко |быстр|защи[тщ]|без |в комплекте|гарант|регулир|складн|съ[её]мн"
    r"|хлоп|лён|льн|шерст|кож|дерев|массив|дуб|бук|сталь|стали|металл|стекл|керамик|бамбук|силикон"
    r"|гипоаллерг|дыша|мягк|прочн|тихи|тихая|бесшум|компакт|вместит|карман|магнит"
    r"|аккумул|беспровод|таймер|подсветк|натуральн|не скольз|не линя|не мнё|не мне|стирк|моющ|посудомо"
    r"|микроволн|чехол|ремеш|молни|застёж|застеж|подклад|утепл|антибакт|безопас|с запах|витамин|spf|ручн"
    r"|вручн|соста|(?:water|wind|shock|leak|rust|non|anti)[- ]?(?:proof|resist|repel|slip|stick|bacterial)|keeps |fits "
    r"|suitable for|easy to|machine wash|dishwasher|microwave|without |free of|included|comes with|made of|adjust|fold"
    r"|remov|detach|cotton|linen|wool|leather|wood|oak|steel|metal|glass|ceramic|bamboo|silicone|hypoallerg|breath"
    r"|soft|durable|quiet|silent|compact|pocket|magnet|batter|charg|wireless|timer|backlight|natural|organic|padded"
    r"|case|strap|zip|lining|lined|insulat|safe|hand-?made|by hand|usb|ventilat|reflect|warrant|does not )",
    re.IGNORECASE,
)
_FLUFF = re.compile(
    r"(?<!\w)(?:ваш\w*|вам|вами|вас|вы|мы|нам|наш\w*)(?!\w)|(?<!\w)(?:идеальн|отличн|прекрасн|незаменим"
    r"|стильн|современн|уникальн|настоящ|любим|каждый день|порад|настроени|выбор|закаж|покуп|успей|премиум"
    r"|лучш|подарок|подарк|мечт|возврат|деньг|денег|звон|пиши)\w*|(?<!\w)(?:yours?|you|we|ours?|us|every)(?!\w)|(?<!\w)(?:perfect|ideal|great|amazing|stylish|modern|unique"
    r"|favou?rite|choice|order|ship|buy|hurry|premium|best|gift|dream|problem|refund|money)\w*",
    re.IGNORECASE,
)
_DANGLING = re.compile(
    r"(?<!\w)(?:который|которая|которое|которые|чтобы|если|когда|так как|потому|благодаря|он|она|оно|они"
    r"|его|её|их|этот|эта|это|which|that|because|when|if|it|they|its|their|this|these|so)(?!\w)",
    re.IGNORECASE,
)

_MEASURE = re.compile(  # how long or how many, and not of what: the rest stands in another clause
    rf"(?:до|за|по|около|более|свыше|примерно|почти|up to|for|about|over|nearly)\s+{_NUMBER.pattern}", re.IGNORECASE
)

# Words of English that are none in Russian, and make no clause long.
_LITTLE = re.compile(r"\b(?:the|an?|is|are|of|to|in|on|at|for|and|with|by)\b\s*", re.IGNORECASE)


@dataclass(frozen=True)
class ArticleWords:
    """The words that an article offers: checked, and short enough for a card."""

    title: str
    benefits: tuple[str, ...]


def is_article(message: str) -> bool:
    """Say whether a text is a description, not a title with benefits: something in it is too long, and it is much."""
    lines = [line for line in map(card_words.drawn, message.splitlines()) if line]
    if not any(len(line) > (BENEFIT_LIMIT if place else TITLE_LIMIT) for place, line in enumerate(lines)):
        return False
    return len(message) > LONG or any(len(_END.split(line)) > 1 for line in lines)


def read(message: str) -> ArticleWords | None:
    """Return the words of an article; None where no title can be found."""
    sentences = _sentences(message)
    title = next((found for found in map(_title, sentences[:4]) if found), "")
    if not title:
        return None
    ranked: dict[str, int] = {}
    for sentence in sentences:
        for clause, worth in _clauses(sentence, title):
            ranked.setdefault(clause, worth)
    best = sorted((clause for clause in ranked if ranked[clause] >= 2), key=lambda clause: -ranked[clause])
    return ArticleWords(title, tuple(_without_repeats(best))[:BENEFITS])


def _sentences(message: str) -> list[str]:
    """Return the sentences and lines, clean; headings are none. One that was a list's begins with a bullet."""
    found = []
    for raw in message.splitlines():
        mark = "• " if _BULLET.match(raw) else ""
        line = card_words.drawn(_BULLET.sub("", raw))
        if not line or _HEAD.match(line):
            continue
        found += [mark + part for part in _END.split(line)]
    return found


def _title(sentence: str) -> str:
    """Return the title that a sentence offers: what stands before its verb, dash or comma."""
    whole = sentence.removeprefix("• ")
    lead = _LEAD.match(whole)
    line = whole[lead.end() if lead else 0 :].strip(" !.,:")
    if lead and _SHOWS.search(lead[0]):
        line = _nominative(line)
    named = _NAMED.match(line)
    if named or not line or "?" in sentence:
        return ""
    line = _VERB.split(f" {line}")[0].strip()
    if len(line) > TITLE_LIMIT:
        line = _CLAUSE.split(line)[0]
    while len(line) > TITLE_LIMIT:
        line = line.rpartition(" ")[0]
    line = _LOOSE.sub("", line).strip()
    if len(line) < 4 or not any(sign.isalpha() for sign in line) or not card_words.is_allowed(line):
        return ""
    return line[0].upper() + line[1:]


def _nominative(line: str) -> str:
    """Return what "we present" names as a title names it: "настольную лампу" is "настольная лампа"."""
    words = line.split()
    for place, word in enumerate(words):
        if word.endswith(("ую", "юю")):
            words[place] = word[:-2] + ("ая" if word.endswith("ую") else "яя")
            continue
        if word.endswith(("у", "ю")) and word.lower() not in _UNBENT:
            words[place] = word[:-1] + ("а" if word.endswith("у") else "я")
        break
    return " ".join(words)


def _clauses(sentence: str, title: str) -> Iterator[tuple[str, int]]:
    """Yield what could be a benefit, with how much it tells."""
    listed = sentence.startswith("• ")
    line = sentence.removeprefix("• ")
    named = _NAMED.match(line)
    pieces = [line] if named and len(line) <= BENEFIT_LIMIT else _CLAUSE.split(named[2] if named else line)
    if listed and len(line) <= BENEFIT_LIMIT:
        pieces = [line]
    for piece in pieces:
        short = _trimmed(piece, title)
        if short and card_words.is_allowed(short) and not _same(short, title):
            yield short, _worth(short) + max(2 * listed, bool(named))


def _same(clause: str, title: str) -> bool:
    return clause.lower() in title.lower() or title.lower() in clause.lower()


def _trimmed(piece: str, title: str) -> str:
    """Return a piece without the words that only lead to it, "" for one that is no benefit by itself."""
    line = _START.sub("", piece.strip(" .!,:;—–-"))
    first = title.split()[0].lower()
    words = line.split()
    if len(words) > 2 and words[0].lower()[:5] == first[:5]:  # "Кружка держит тепло" under the title "Кружка"
        line = " ".join(words[1:])
    if not 4 <= len(line) <= BENEFIT_LIMIT or _DANGLING.search(line) or line.endswith("?") or _MEASURE.fullmatch(line):
        return ""
    return line[0].upper() + line[1:]


def _worth(clause: str) -> int:
    fluff, words = len(_FLUFF.findall(clause)), len(_LITTLE.sub("", clause).split())
    counted = bool(_NUMBER.search(clause) or _COUNTED.search(clause))
    return 3 * counted + 2 * bool(_FACT.search(clause)) - 2 * fluff - (words > 6) - (words == 1)


def _without_repeats(clauses: list[str]) -> Iterator[str]:
    """Yield those that say something new: not two with most of their words in common."""
    seen: list[set[str]] = []
    for clause in clauses:
        stems = {word[:5] for word in re.findall(r"\w{3,}", clause.lower())}
        if stems and all(len(stems & other) < 0.6 * min(len(stems), len(other)) for other in seen):
            seen.append(stems)
            yield clause
