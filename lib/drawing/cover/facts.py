"""Reads a card's facts out of the seller's words: a short title, a second line, a number, benefits, its kind.

A slide holds one thought. Words after a comma or a dash leave the title for the second line, and the number that sells
most leaves the benefits and stands large. Nothing is made up and nothing is said twice.
"""

import re
from dataclasses import dataclass, replace

TITLE = 42  # letters of a title that every design takes
LONGEST = 14  # letters of a word beside a number

_SPLIT = re.compile(r"\s*(?:(?<!\d)[,/]|[,/](?!\d)|[;(|]|\s[—–-]\s)\s*")  # 0,5 and 1/2 are numbers
_FIGURE = re.compile(
    r"(?<![\w.,–-])(?<![×xх*]\s)(?<![×xх*])(?:до\s+)?(–?\d{1,3}(?:[ \u00a0]\d{3})+|–?\d+(?:[.,]\d+)?)[ \u00a0-]?"
    r"(км/ч|м/с|об/мин|г/м²|л/мин|мл/ч|мА[·*]?ч|кВт|Вт|В|кг|гр?|мг|мл|л|мм|см|км|м²|м|ГБ|ТБ|МП|Мп|°C|°|%|дБ|Гц|атм|бар|"
    r"час(?:ов|а)?|ч|минут[аы]?|мин|секунд[аы]?|дн(?:ей|я)|день|недел[ьюия]+|месяц(?:ев|а)?|мес|год[а]?|лет|"
    r"шт(?:ук[аи]?|\.)?|предмет(?:ов|а)?|режим(?:ов|а)?|размер(?:ов|а)?|цвет(?:ов|а)|вкус(?:ов|а)|слоёв|слоя|"
    r"kg|g|mg|ml|l|oz|lb|mm|cm|m|km/h|km|mph|rpm|inch(?:es)?|hours?|h|min(?:utes)?|days?|weeks?|months?|years?|"
    r"kW|W|V|mAh|GB|TB|MP|Hz|dB|pcs|pieces|modes?|speeds?|colou?rs?|игр[аы]?|стирок|порци[йи]|ступен[ией]+"
    r"|скорост[иьей]+)(?![^\W\d_]|/|\s*[×xх*]\s*\d)",
    re.IGNORECASE,
)
# Which number sells: load, capacity, time, power, weight, then counts, then sizes (the first rule asked wins).
_WORTH = (
    re.compile(r"^(?:кг|kg|lb)", re.IGNORECASE),
    re.compile(r"^(?:мл|л$|ГБ|ТБ|мА|ml|l$|oz|GB|TB|mAh)", re.IGNORECASE),
    re.compile(r"^(?:ч|мин|дн|день|недел|мес|год|лет|сек|h$|hour|min|day|week|month|year)", re.IGNORECASE),
    re.compile(r"^(?:к?Вт|В$|бар|атм|дБ|Гц|k?W$|V$|dB|Hz)"),
    re.compile(r"^г|мг|^m?g$", re.IGNORECASE),
    re.compile(
        r"шт|pcs|piece|mode|speed|colou?r|MP|предмет|режим|размер|цвет|вкус|сло|игр|стир|порц|ступ|скор|°|МП",
        re.IGNORECASE,
    ),
    re.compile(r"см|мм|м|км|cm|mm|m|inch|mph|rpm", re.IGNORECASE),
)
# Under a number stands what it is a number of: "0.9 kg, weight", never "0.9 kg, weighs".
_NOUNS = {"weighs": "weight", "holds": "capacity", "supports": "load", "carries": "load", "весит": "вес"}
# "12-month battery" is twelve months: what a hyphen joins stands in the singular.
_JOINED = re.compile(r"(?<!^1)-(?=(?:hour|minute|day|week|month|year|piece|mode|speed|colou?r|inch)$)", re.IGNORECASE)
_OF_TIME = 2  # the rule of hours and days: what holds them is no capacity
# "до 3 лет" is an age, and without its "до" a "24 часов" would be wrong Russian.
_BENT = re.compile(r"^до\s.*?(?:(?:мес|год|лет)\w*|(?<!1)[1-4]\s(?:час|дн|минут|недел)\w+)$", re.IGNORECASE)
_MINUS = re.compile(r"(?<!\S)[−-](?=\d)")
_FORBIDDEN = re.compile(r"%|₽|руб", re.IGNORECASE)

KINDS = {
    "lamp": r"lamp|chandelier|night ?light|люстр|лампа|светильник|ночник|бра\b|торшер|гирлянд",
    "food": (
        r"coffee(?! (?:maker|machine|grinder))|juice|milk|yogh?urt|tea\b|honey|chocolate|cookie|candy|jam\b|sauce"
        r"|spice|nuts\b|cheese|drink|berries"
        r"|ягод|кофе(?!маш|мол|вар)|сок\b|молок(?!оотс)|йогурт|чай\b|мёд|мед\b|шокол|печень|конфет|варень|соус|специ|орех|сыр"
        r"|колбас|торт"
        r"|пряник|мармелад"
        r"|круп|масло олив|напит|каш[аи]\b|макарон|овсян|мука|батончик|сухофрукт|паштет|вафл|зефир|какао"
        r"|(?<!туалетная )(?<!парфюмерная )(?<!мицеллярная )вода\b(?! (?:туал|парф))"
        r"|(?:банан|апельсин|мандарин|персик)(?!ов(?:ый|ая|ое)\b)|яблоки|груш[аи]\b(?! бокс)|гранат\b"
        r"|авокадо|виноград|клубник|томат|огурц"
        r"|оливки|хлеб\b|рыба\b|мясо\b|креветк|avocado|bananas|oranges|lemons|olives|asparagus|bread\b(?! (?:b|m))"
        r"|спарж|pasta\b(?! (?:m|roll|pot|drying))|rice\b(?! cook)"
    ),
    "beauty": (
        r"cream|serum|shampoo|face mask|lipstick|perfume|lotion|soap|mascara|scrub|balm|крем|сыворот|шампун"
        r"|туалетн\w+ вод|вода туал"
        r"|маск[аи] для|помад|духи|парфюм|лосьон|мыло|тушь|гель для|скраб|бальзам|пудр"
        r"|тоник|зубн"
        r"|лак для (?!мебел|дерев|паркет|пол)|расч[её]ск|румян|hair ?brush|nail (?:polish|clipper|file)|makeup"
    ),
    "kids": (
        r"toy|kids|baby|doll|puzzle|robot(?! (?:vac|mop))|plush|dog\b|cat\b(?![- ]eye)|remote control car"
        r"|фигурк|уточк|машинк[аи] (?:на|игруш)|игруш|детск|слайм|slime"
        r"|малыш|конструктор|кукл|пазл|робот(?![- ](?:пыл|мой))|соск|погремуш|плюш|мягк[ао][яй] иг|корм|лежанк"
        r"|кошач|собак|когтеточ"
        r"|автокресл|коляск|stroller"
    ),
    "plant": (
        r"flower|plant|cactus|bouquet|seeds|цвет(?:ы|ок)|растен|фикус|орхиде|суккулент|кактус|горшк?|саженец|букет"
        r"|тюльпан|роз[аы]\b|семен"
        r"|алоэ"
    ),
    "tools": (
        r"drill|screwdriver|wrench|hammer|saw\b|tool|multitool|compressor|pump\b|мультитул|дрел|шурупов|отвёрт"
        r"|отверт|ключ|молот|пил[аы]\b|инструмент|перфорат|болгарк|компрессор|домкрат"
        r"|насос|авто(?!мат|корм|поил|полив|клав|ручк)|лобзик|рулетк|стремянк|паяльн"
    ),
    "sport": (
        r"dumbbell|ball\b|yoga|skate|bike|bicycle|scooter|tent\b|sports?\b|fitness|trekking|рюкзак турист|гантел"
        r"|мяч|коврик для йог|скейт|велосипед|самокат|палатк|тренаж|скакалк|боксёр"
        r"|боксер|ракетк|спальн|ролик|упор|эспандер|гимнаст|турник|лыж|горнолыж|ледоруб|магнез|спортивн\w* бут|для йоги"
        r"|фитнес|термобель|трекинг"
    ),
    "clothes": (
        r"dress(?!er|ing)|t-?shirt|hoodie|jeans|jacket|coat\b|sneaker|boots?\b|shoe|socks|beanie|hat\b|cap\b|glove|sweater|shirt"
        r"|skirt|trousers|pants|backpack|bag\b|tote|wallet|belt\b|scarf|glasses|sunglasses|bracelet|earring"
        r"|бейсболк|снуд"
        r"|плать|футболк|худи|джинс|куртк|пальто|кроссов|ботин|туфл|сапог|носк|шапк|перчат|свитер|рубаш|юбк"
        r"|брюк|кед|обув|сандал"
        r"|пухов|лофер|топ\b|майк|лонгслив|мокасин|кардиган|жилет|пижам|купальн|галстук|зонт|тапоч|тапк|варежк|толстовк"
        r"|свитшот|поло\b|комбинез|водолаз|боди\b|халат|тоннел|ветровк|плащ|шуба|чулк|колгот|трус|бюст|подвеск|ожерел"
        r"|блуз|штан|шорт|жакет|пиджак|балетк|шл[её]пан|сабо\b|слипон"
        r"|леггинс|костюм|кепк|рюкзак|сумк|кошел|ремень|шарф|очки|браслет|серьг|кольц"
        r"|парк[аиу]\b|джемпер|пуловер|кофт|лосин|бомбер|пончо|туник|сарафан|анорак|олимпийк|угги|сланц|портфел|клатч"
        r"|балаклав|ушанк|бандан|панам|берет\b"
        r"|windbreaker|parka|anorak|shorts\b|sandal|slipper|flip[- ]flop|jumper|cardigan|pullover|long ?sleeve|leggings"
        r"|vest\b|blouse|polo\b|raincoat|stockings|tights|swimsuit|bikini|p[ay]ja?mas|robe\b|heels\b|loafer|moccasin|mitten"
        r"|clutch\b|purse|necklace|(?<!key )rings?\b(?! light)"
    ),
    "tech": (
        r"headphone|earbud|speaker|phone|smartphone|laptop|keyboard|mouse\b|monitor|camera|watch\b|charger|cable"
        r"|printer|coffee (?:maker|machine)|humidifier|food processor"
        r"|router|vacuum|blender|kettle|hair ?dryer|ssd\b|console|приставк|наушник|колонк|телефон|смартфон|ноутбук"
        r"|клавиат|мыш|монитор|камер|часы|зарядк|кабель|принтер"
        r"|роутер|стиральн\w* машин|посудомоечн|молокоотс|отпариват|пылесос|блендер|кофе(?:маш|мол|вар)|увлажнител"
        r"|комбайн|геймпад|джойстик"
        r"|чайник(?! завар)|фен\b|утюг|power ?bank|повербанк|ssd|(?<!ватные )диск|картридж"
        r"|плеер|планшет|телевизор|проектор|усилител|модем|флешк|мультивар|микроволнов|тостер|миксер|мясоруб|вентилятор"
        r"|обогревател|триммер|фотоаппарат|объектив|видеокамер|очистител\w* воздуха|электробритв|бритва\b"
        r"|набор для стриж|машинк\w+ для стриж|выпрямител|плойк|эпилятор|ирригатор|саундбар|дрон\b|квадрокоптер"
        r"|микрофон|штатив|робот[- ](?:пыл|мой)|robot (?:vac|mop)"
        r"|tv\b(?! (?:wall )?(?:stand|bench|unit|cabinet|mount|bracket))"
        r"|ipod|player\b|tablet\b|clipper|shaver|purifier|air fryer|toaster|mixer(?! tap)|microwave|fan\b|heater"
        r"|trimmer|steamer|(?:steam|curling) iron|epilator|electric toothbrush|soundbar|drone\b|microphone|tripod"
        r"|webcam|projector|earphone|headset|smartwatch|television"
    ),
    "eco": r"eco\b|bamboo|reusable|эко|бамбук|многоразов",
    "home": (
        r"stool|chair|table\b|shelf|sofa|vase|blanket|cushion|pillow|mug\b|cup\b|plate|pan\b|jar\b|candle|container"
        r"|organi[sz]er|bedding|towel|bottle|basket|rug\b|curtain|mirror|board\b|knife|clock|teapot|будильник"
        r"|чайник завар"
        r"|табурет|стул|кресл|стол|полк|шкаф|диван|ваз[аы]|плед|подуш|посуд|кружк|чашк|тарелк|сковород"
        r"|банк[аи]\b|подсвеч|мельниц|солонк|контейнер|органайз|постел|скатерт|фартук|вешалк|ковш|графин|бокал"
        r"|кашпо|крышк"
        r"|кастрюл|термос|бутыл|корзин|ковёр|ковер|штор|зеркал|свеч|полотен|доск|нож"
        r"|скамей|тумб|комод|этажерк|стеллаж|матрас|одеял|простын|наволоч|bench\b(?! press)|dresser|nightstand|mattress"
        r"|quilt|duvet|pasta maker|tv (?:wall )?(?:stand|bench|unit|cabinet|mount|bracket)"
    ),
}
HANGING = re.compile(r"(?<![^\W\d_])(?:люстр|подвесн|гирлянд|кашпо подвесн)", re.IGNORECASE)
_KINDS = tuple((kind, re.compile(rf"(?<![^\W\d_])(?:{stems})", re.IGNORECASE)) for kind, stems in KINDS.items())
_LEADS = re.compile(
    r"(?<![^\W\d_])(?:in|for|to|with|from|per|of|under|over|by|at|с|со|на|по|за|через|под|из|от|до|в)\s*$",
    re.IGNORECASE,
)
# What goes with the number after it, what joins one to another, and before what one can be left out.
_MEASURED = (
    r"(?:на|of|with|(?:объ[её]м|вес|размер|диаметр)ом|(?:длин|высот|ширин|толщин|масс)ой|(?:[её]мк|мощн|вместим)остью)"
)
_NAMED = re.compile(rf"(?<!\w){_MEASURED}$", re.IGNORECASE)
_JOINS = re.compile(r"(?:[^\w)»\"]|(?<!\w)(?:и|или|and|or|x|х))$", re.IGNORECASE)
_ADDS = r"(?:для|из|с|со|без|for|with|without|in)"
# An amount that stands between two words goes without a trace: "Флешка 128 ГБ OTG", never "Speaker 12 hour battery".
_AMOUNT = re.compile(r"^(?:кг|г|м?л|[ГТ]Б|мА\w*|к?Вт|kg|g|m?l|oz|[GT]B|mAh|k?W)$", re.IGNORECASE)
_GOES_ON = r"(?!(?:и|или|на|по|в|во|x|х|and|or|on|per|to|at)\s)[^\W\d_]"
_COLOUR = re.compile(
    r"^(?:\w+-)?(?:(?:красн|бордов|розов|оранжев|ж[её]лт|зел[её]н|бирюзов|мятн|голуб|син|фиолетов|сиренев|лилов|бел|ч[её]рн"
    r"|сер|беж|бежев|коричнев|золот|золотист|серебрян|серебрист)(?:[ыи][йехм]|[ыи]ми|[оеё][йем]|[ое]го|[ое]му|[ая]я|[ую]ю)"
    r"|red|burgundy|pink|orange|yellow|green|turquoise|mint|blue|violet|purple|white|black|gr[ea]y|beige|brown)$",
    re.IGNORECASE,
)
_COUNTS = re.compile(r"^\d[\d.,/×xх–-]*\s[^\W\d_]", re.IGNORECASE)  # a number goes with what it counts
_ENDINGS = re.compile(r"^(?:из|для|без|с|со|в|на|под|от)$", re.IGNORECASE)
# What leads a phrase, "с двумя камерами"; what joins one; what can begin a second line, "с поясом | красное".
_LEADING = re.compile(r"^(?:из|для|без|со?|во?|на|под|от|к|по|for|with|without|of|from|in|on|to)$", re.IGNORECASE)
_AND = re.compile(r"^(?:и|или|and|or)$", re.IGNORECASE)
_BEGINS = re.compile(r"^(?:\w*(?:ый|ий|ая|яя|ое|ее|ые|ие)|[^a-zа-яё].*)$")


@dataclass(frozen=True)
class Number:
    """A number to be set large: "24", "ч", "держит тепло"; `said` is all of it as the seller wrote it."""

    value: str
    unit: str
    note: str
    said: str = ""


@dataclass(frozen=True)
class CoverFacts:
    """The words of one card."""

    title: str
    second: str = ""
    accent: str = ""  # the word of the title that has a colour of its own
    number: Number | None = None
    benefits: tuple[str, ...] = ()
    kind: str = "other"
    hangs: bool = False
    name: str = ""  # the whole title, by which a product's own choices are made

    @property
    def letters(self) -> int:
        """Length of the title."""
        return len(self.title)


def read(title: str, benefits: tuple[str, ...]) -> CoverFacts:
    """Return what the seller's checked words say."""
    benefits = tuple(_MINUS.sub("–", benefit) for benefit in benefits)  # no face has the sign itself
    short, second = _parted(title)
    number, kept = _number(benefits)
    if number is None:
        second_number, _ = _number((second,)) if second else (None, ())
        if second_number and len(second) < 24:
            number, second = second_number, ""
    if number:
        short, second = _without(number, short) or short, _without(number, second)
    kept = tuple(benefit for benefit in kept if f" {benefit.lower()} " not in f" {short.lower()} ")
    if second.lower() in map(str.lower, kept):
        second = ""  # not every design has a place for it
    said = f"{title} {' '.join(benefits)}"
    kind = kind_of(title)
    return CoverFacts(short, second, _accent(short), number, kept, kind, HANGING.search(said) is not None, title)


def alone(facts: CoverFacts, benefit: str) -> CoverFacts:
    """Return the facts of a card that says one benefit of a product and nothing else."""
    return replace(facts, title=benefit, second=facts.title, accent=_accent(benefit), number=None, benefits=())


def kind_of(title: str) -> str:
    """Return the kind that the title names first: a dress in flowers is clothes."""
    found = [(match.start(), kind) for kind, rule in _KINDS if (match := rule.search(title))]
    return min(found, key=lambda one: one[0])[1] if found else "other"


def without_number(facts: CoverFacts) -> CoverFacts:
    """Return the facts for a design that has no place for the number: it is a benefit again."""
    if facts.number is None:
        return facts
    one = facts.number
    back = one.said or f"{one.note} {one.value} {one.unit}".strip()
    return replace(facts, number=None, benefits=(back[0].upper() + back[1:], *facts.benefits))


def with_note(facts: CoverFacts) -> CoverFacts:
    """Return the facts for a design whose number stands alone: what it is a number of is a benefit, if that is told."""
    if facts.number is None or " " not in facts.number.note:
        return facts
    note = facts.number.note
    return replace(facts, benefits=(note[0].upper() + note[1:], *facts.benefits)[:2])  # a third would take its room


def _parted(title: str) -> tuple[str, str]:
    """Return the title and what stands after its first comma, dash or bracket."""
    parts = [part.strip(" )") for part in _SPLIT.split(title) if part.strip(" )")]
    if not parts:
        return title, ""
    first = parts[0]
    if len(first) < 3 and len(parts) > 1:
        first = f"{first} {parts.pop(1)}"
    rest = ", ".join(parts[1:])
    if not rest and len(first) > TITLE:
        words = first.split()
        head = next((n for n in range(len(words), 1, -1) if len(" ".join(words[:n])) <= TITLE), 1)
        while head > 1 and _goes_with(words, head):
            head -= 1
        first, rest = " ".join(words[:head]), " ".join(words[head:])
    return first, rest[:1].upper() + rest[1:] if rest else ""


def _goes_with(words: list[str], head: int) -> bool:
    """Tell if the word there goes with the one before it: a number with what it counts, a phrase with what leads it.

    A last word that is no name and no quality says nothing alone.
    """
    before, word = words[head - 1 : head + 1]
    if _LEADING.match(before) or _AND.match(before) or _AND.match(word) or _COUNTS.match(f"{before} {word}"):
        return True
    is_led = _LEADING.match(words[head - 2]) or head == len(words) - 1
    return bool(is_led) and not any(one.match(word) for one in (_LEADING, _BEGINS, _COLOUR))


def _number(benefits: tuple[str, ...]) -> tuple[Number | None, tuple[str, ...]]:
    """Return the number that sells most and the benefits without the one that held it."""
    found: list[tuple[int, int, Number]] = []
    for index, benefit in enumerate(benefits):
        match = _FIGURE.search(benefit)
        if match is None or _FORBIDDEN.search(match[2]) or len(match[1]) > 5:
            continue
        note = f"{benefit[: match.start()]} {benefit[match.end() :]}".strip(" ,.:;—–-")
        if match[1].startswith("–") and "до" in match[0]:
            note += " до"
        if max(map(len, note.split()), default=0) > LONGEST:
            continue
        # "с 3 лет" says something else without its "с"
        if _BENT.search(match[0]) or _LEADS.search(benefit[: match.start()]):
            continue
        worth = next((n for n, rule in enumerate(_WORTH) if rule.search(match[2])), len(_WORTH))
        unit = match[2] + ("es" if match[2].lower() == "inch" else "s") * (_JOINED.search(match[0]) is not None)
        found.append((worth, index, Number(match[1], unit, " ".join(note.split())[:34], benefit)))
    if not found:
        return None, benefits
    worth, taken, number = min(found, key=lambda one: one[:2])
    note = number.note[:1].lower() + number.note[1:]
    note = note if worth == _OF_TIME else _NOUNS.get(note, note)
    kept = tuple(benefit for index, benefit in enumerate(benefits) if index != taken)
    return replace(number, note=note), kept


def _without(number: Number, words: str) -> str:
    """Return a line without the number that stands large beside it, if the rest reads on without it."""
    said = rf"{re.escape(number.value)}[ \u00a0-]?{re.escape(number.unit)}"
    between = rf"|\s+{said}(?=\s+{_GOES_ON})" if _AMOUNT.match(number.unit) else ""
    found = re.search(rf"^{said}$|\s+(?:{_MEASURED}\s+)?{said}(?=$|\s+{_ADDS}\s){between}", words, re.IGNORECASE)
    if found is None:
        return words
    before, after = words[: found.start()], words[found.end() :]
    is_bound = any(rule.search(before) for rule in (_LEADS, _JOINS, _NAMED))
    return words if is_bound else before + after


def _accent(title: str) -> str:
    """Return the word that distinguishes: the one after a preposition, else the last of several that is a word.

    It is no colour: "red" would be written in blue.
    """
    words = title.split()
    for index, word in enumerate(words[:-1]):
        if index and _ENDINGS.match(word):
            return next((one for one in words[index + 1 :] if not _COLOUR.match(one)), "")
    telling = [word for word in words[1:] if len(word) > 3 and not word[0].isdecimal()]  # no unit, no number
    return telling[-1] if telling and not _COLOUR.match(telling[-1]) else ""
