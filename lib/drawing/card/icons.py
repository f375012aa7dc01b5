"""Line icons for benefits, drawn from strokes on a grid of 24, and the words that choose them."""

import math
import re
from functools import lru_cache

from PIL import Image, ImageDraw

GRID = 24
STROKE = 1.9
SUPERSAMPLE = 4

# M x y starts a stroke, L goes straight, C is a cubic curve, Z closes; O x y r is a ring, D x y r a dot.
SHAPES: dict[str, str] = {
    "tick": "M5 12.8 L10 17.6 L19.2 7",
    "truck": "M2 6 L14 6 L14 17 M14 9.5 L18.5 9.5 L22 13.2 L22 17 L20 17 M15 17 L9 17 M4.4 17 L2 17 L2 6 "
    "O6.7 17.4 2.1 O17.6 17.4 2.1",
    "drop": "M12 2.8 C9 7 5.5 10.6 5.5 14.7 C5.5 18.4 8.4 21.2 12 21.2 C15.6 21.2 18.5 18.4 18.5 14.7 "
    "C18.5 10.6 15 7 12 2.8 Z M9 15 C9.2 16.8 10.3 17.8 11.8 18",
    "leaf": "M20.5 3.5 C11 3.5 4.5 7 4.5 14 C4.5 17.6 7 19.8 10.2 19.8 C17.5 19.8 20.5 12.5 20.5 3.5 Z "
    "M3.2 21.5 C6 16.5 9.6 12.8 14.6 9.8",
    "ruler": "M3 8 L21 8 L21 16.5 L3 16.5 Z M7 8 L7 11.5 M11 8 L11 12.8 M15 8 L15 11.5 M18.4 8 L18.4 10",
    "shield": "M12 2.6 L20 5.6 L20 11.5 C20 16.2 16.8 19.6 12 21.6 C7.2 19.6 4 16.2 4 11.5 L4 5.6 Z "
    "M8.4 12 L11.1 14.6 L15.8 9.4",
    "star": "M12 2.8 L14.8 8.7 L21.3 9.5 L16.5 14 L17.8 20.4 L12 17.2 L6.2 20.4 L7.5 14 L2.7 9.5 L9.2 8.7 Z",
    "gift": "M3 8.2 L21 8.2 L21 12.2 L3 12.2 Z M4.6 12.2 L4.6 21 L19.4 21 L19.4 12.2 M12 8.2 L12 21 "
    "M12 8.2 C6 8.2 6 2.8 8.8 2.8 C11 2.8 12 5.6 12 8.2 C12 5.6 13 2.8 15.2 2.8 C18 2.8 18 8.2 12 8.2",
    "heart": "M12 20.6 C5.6 15.8 2.6 12.4 2.6 8.6 C2.6 5.6 4.9 3.6 7.4 3.6 C9.4 3.6 11 4.7 12 6.6 "
    "C13 4.7 14.6 3.6 16.6 3.6 C19.1 3.6 21.4 5.6 21.4 8.6 C21.4 12.4 18.4 15.8 12 20.6 Z",
    "clock": "O12 12 9.2 M12 6.6 L12 12 L15.8 14.4",
    "thermometer": "M14.4 13.6 L14.4 5 C14.4 1.8 9.6 1.8 9.6 5 L9.6 13.6 C7.4 14.8 6.8 17 7.6 18.9 "
    "C9.2 22.5 14.8 22.5 16.4 18.9 C17.2 17 16.6 14.8 14.4 13.6 Z M12 9 L12 16 D12 17.4 1.9",
    "fabric": "M12 2.8 L21.4 7.6 L12 12.4 L2.6 7.6 Z M2.6 12 L12 16.8 L21.4 12 M2.6 16.4 L12 21.2 L21.4 16.4",
    "feather": "M20.4 3.6 C16 2.4 11.4 4.2 8.6 8 C6.4 11 6 14.4 6.2 17.8 C9.6 18 13 17.6 16 15.4 "
    "C19.8 12.6 21.6 8 20.4 3.6 Z M2.8 21.2 L15 9 M10.2 13.6 L16.2 13.6",
    "bolt": "M13.4 2.6 L4.6 13.6 L11.4 13.6 L10.4 21.4 L19.4 10.2 L12.6 10.2 Z",
    "snow": "M12 2.6 L12 21.4 M3.9 7.3 L20.1 16.7 M3.9 16.7 L20.1 7.3 M9.4 4 L12 6.4 L14.6 4 "
    "M9.4 20 L12 17.6 L14.6 20 M3.6 10.9 L6.9 9.2 L6.6 5.6 M20.4 13.1 L17.1 14.8 L17.4 18.4 "
    "M3.6 13.1 L6.9 14.8 L6.6 18.4 M20.4 10.9 L17.1 9.2 L17.4 5.6",
    "sun": "O12 12 4.4 M12 1.8 L12 4 M12 20 L12 22.2 M1.8 12 L4 12 M20 12 L22.2 12 M4.8 4.8 L6.4 6.4 "
    "M17.6 17.6 L19.2 19.2 M4.8 19.2 L6.4 17.6 M17.6 6.4 L19.2 4.8",
    "battery": "M2.4 7.4 L18.4 7.4 L18.4 16.6 L2.4 16.6 Z M21.6 10.6 L21.6 13.4 M6 10.6 L6 13.4 M10 10.6 L10 13.4 "
    "M14 10.6 L14 13.4",
    "box": "M12 2.4 L20.6 7 L20.6 17 L12 21.6 L3.4 17 L3.4 7 Z M3.4 7 L12 11.8 L20.6 7 M12 11.8 L12 21.6 "
    "M7.6 4.8 L16.2 9.4",
    "child": "O12 12 9.2 M8 14.2 C9.6 17 14.4 17 16 14.2 D9 10 1.1 D15 10 1.1 M12 2.8 C11 4 11.4 5.4 12.8 5.6",
    "hand": "M8 12.4 L8 5.2 C8 3 10.8 3 10.8 5.2 L10.8 11 L10.8 3.8 C10.8 1.6 13.6 1.6 13.6 3.8 L13.6 11 "
    "L13.6 5 C13.6 3 16.4 3 16.4 5 L16.4 12 L16.4 8 C16.4 6 19.2 6 19.2 8 L19.2 15 C19.2 19 16.6 21.6 13 21.6 "
    "C9.6 21.6 8 19.8 6.6 17.2 L3.6 12.6 C2.6 10.8 5 9.6 6.2 11 L8 13.4",
    "sparkle": "M10 4 L11.9 9.1 L17 11 L11.9 12.9 L10 18 L8.1 12.9 L3 11 L8.1 9.1 Z M18.4 2.6 L18.4 7 "
    "M16.2 4.8 L20.6 4.8 M18.6 16.6 L18.6 21.4 M16.2 19 L21 19",
    "flame": "M12 2.4 C12.6 6.6 18.6 9 18.6 15 C18.6 18.8 15.6 21.6 12 21.6 C8.4 21.6 5.4 18.8 5.4 15 "
    "C5.4 12.6 6.6 10.8 8 9.2 C8.4 11 9.2 12 10.4 12.4 C10 8.8 10.4 5.4 12 2.4 Z",
    "sound": "M3 9.4 L6.8 9.4 L12 4.8 L12 19.2 L6.8 14.6 L3 14.6 Z M15.4 8.8 C17.2 10.6 17.2 13.4 15.4 15.2 "
    "M18 6 C21.4 9.4 21.4 14.6 18 18",
    "wifi": "M2.4 9 C7.8 3.8 16.2 3.8 21.6 9 M5.8 12.8 C9.4 9.4 14.6 9.4 18.2 12.8 "
    "M9 16.2 C10.8 14.6 13.2 14.6 15 16.2 D12 19.4 1.4",
    "paw": "M12 11.4 C9 11.4 6 15 6 17.8 C6 20 7.6 20.8 9.2 20.4 C11.2 19.8 12.8 19.8 14.8 20.4 "
    "C16.4 20.8 18 20 18 17.8 C18 15 15 11.4 12 11.4 Z O5 10.4 1.7 O9.4 5.6 1.9 O14.6 5.6 1.9 O19 10.4 1.7",
    "cup": "M4 8.4 L17 8.4 L17 15 C17 18.4 14.6 20.6 11.4 20.6 L9.6 20.6 C6.4 20.6 4 18.4 4 15 Z "
    "M17 10 L18.6 10 C22 10 22 15.6 18.4 15.6 L17 15.6 M8 2.6 L8 5.2 M12.6 2.6 L12.6 5.2",
    "palette": "M12 2.8 C6.6 2.8 2.8 6.8 2.8 12 C2.8 17.2 6.8 21.2 12 21.2 C13.8 21.2 14.4 20 14 18.6 "
    "C13.4 16.8 14.4 15.4 16.2 15.4 L18.4 15.4 C20.2 15.4 21.2 14 21.2 11.6 C21.2 6.6 17.2 2.8 12 2.8 Z "
    "D7.4 12 1.3 D10 7.6 1.3 D15 7.8 1.3",
    "wash": "M2.6 7 L5 20 L19 20 L21.4 7 M3.2 10.6 C5 9 6.8 9 8.6 10.6 C10.4 12.2 12.2 12.2 14 10.6 "
    "C15.8 9 18.6 9 20.8 10.6 M8.4 3.4 L8.4 5.6 M12 2.6 L12 5 M15.6 3.4 L15.6 5.6",
    "volume": "M8.4 2.8 L15.6 2.8 L15.6 6.6 L17.4 9.2 L17.4 21.2 L6.6 21.2 L6.6 9.2 L8.4 6.6 Z M6.6 13.4 L17.4 13.4 "
    "M8.4 6.6 L15.6 6.6",
    "flag": "M5 21.4 L5 3.4 C8.4 1.8 11.4 5.4 15 4.4 C16.8 4 18 3.6 19.4 3 L19.4 13 C15.4 15.2 12.2 11.8 8.6 12.6 "
    "C7.2 12.8 6 13.2 5 13.8",
    "moon": "M20.6 14.2 C17 15.8 12.8 15 10.6 12 C8.6 9.2 8.8 5.6 10.8 2.8 C5.8 3.4 2.6 7.4 2.8 12.2 "
    "C3 17.2 7 21.2 12 21.2 C16 21.2 19.4 18.4 20.6 14.2 Z",
    "food": "M7 2.8 L7 21.2 M3.8 2.8 L3.8 7.6 C3.8 11.4 10.2 11.4 10.2 7.6 L10.2 2.8 M17 21.2 L17 2.8 "
    "C13.6 5 13.2 9.4 13.8 13.2 L17 13.2",
}

KEYWORDS: tuple[tuple[str, str], ...] = (
    ("truck", r"достав|привез|отправ|deliver|shipp"),
    ("snow", r"холод|мороз|зим|лед|лёд|охлажд|cold|cool|frost|winter|ice"),
    ("thermometer", r"температур|градус|тепл|тёпл|горяч|термо|жар[оа]|hot|warm|heat|therm"),
    ("wash", r"стир|машинк|посудомо|wash|dishwash"),
    ("drop", r"вод[аоыуе]|влаг|непромок|протека|герметич|дожд|увлажн|сок\b|масл|water|leak|moist|rain|oil"),
    ("volume", r"\d\s*(?:мл|л|ml|l)\b|объ[её]м|литр|вмести|volume|capacity"),
    ("leaf", r"эко|натурал|природ|биоразл|органич|бамбук|веган|трав|раст|хлопок|хлопк|л[её]н"
     r"|eco|natur|organic|vegan|cotton|bamboo"),
    ("feather", r"л[её]гк|невесом|мягк|нежн|пух|\d\s*(?:г|гр|кг|kg|g)\b|light|soft|weight"),
    ("ruler", r"размер|габарит|длин|ширин|высот|\d\s*(?:см|мм|м|cm|mm|m)\b|компакт|складн|size|compact|fold|length"),
    ("shield", r"гаранти|защит|безопас|надежн|надёжн|прочн|крепк|ударо|износ|противо|сертифи"
     r"|warrant|guarant|protect|safe|durab|strong"),
    ("gift", r"подар|праздн|упаковк|gift|present"),
    ("child", r"дет|малыш|ребен|ребён|игруш|школ|baby|kid|child|toy"),
    ("battery", r"аккум|заряд|батар|автоном|мач|mah|batter|charg"),
    ("clock", r"час|минут|быстр|долг|врем|лет\b|год|сут|hour|fast|quick|time|year|long"),
    ("bolt", r"мощ|энерг|ватт|вт\b|электр|power|watt|energy|electr"),
    ("wifi", r"wi-?fi|вай-?фай|bluetooth|блютуз|беспровод|wireless|связь"),
    ("sound", r"звук|шум|тих|бас|аудио|микрофон|sound|noise|audio|quiet|bass"),
    ("sun", r"солн|свет|ярк|\buv|уф|spf|sun|bright|lamp"),
    ("moon", r"ноч|сон\b|сна\b|ночн|night|sleep"),
    ("flame", r"огн|огон|аромат|остр|fire|aroma|spic"),
    ("paw", r"собак|кош|кот|питом|pet|dog|cat\b"),
    ("cup", r"кофе|чай|чая|напит|coffee|tea|drink"),
    ("food", r"вкус|ед[аыу]\b|пищ|кухн|рецепт|состав|сахар|калор|food|taste|kitchen|sugar"),
    ("palette", r"цвет|дизайн|стил|принт|colou?r|design|style|print"),
    ("hand", r"ручн|эргоном|удобн|хват|комфорт|hand|comfort|ergonom|grip|easy"),
    ("flag", r"росси|производ|сделан|made in|russia|кита|казахст"),
    ("heart", r"любов|забот|здоров|кож|люб|для не[её]|love|care|health|skin"),
    ("fabric", r"материал|ткан|кожа|кожан|шерст|шёлк|шелк|полиэст|сталь|стали|металл|дерев|дуб|керами"
     r"|стекл|пласт|сло[йея]"
     r"|material|fabric|steel|wood|leather|wool|ceramic|glass|metal|layer"),
    ("sparkle", r"чист|блеск|нов|сия|глян|clean|shine|new|fresh|свеж"),
    ("star", r"качеств|премиум|люкс|отборн|quality|premium|luxur"),
    ("box", r"комплект|набор|штук|шт\b|коробк|\bset\b|kit|pack|pcs"),
)  # fmt: skip
_RULES = tuple((name, re.compile(rf"(?:(?<![^\W\d_])|(?<=\d))(?:{stems})", re.IGNORECASE)) for name, stems in KEYWORDS)
_STEP = re.compile(r"([MLCZOD])([^MLCZOD]*)")


def distinct(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Choose an icon for each text, no two the same except ticks."""
    taken: list[str] = []
    for text in texts:
        fitting = (name for name, stems in _RULES if name not in taken and stems.search(text))
        taken.append(next(fitting, "tick"))
    return tuple(taken)


@lru_cache(maxsize=64)
def mask(name: str, side: int) -> Image.Image:
    """Return the icon as a mask of side × side."""
    big = side * SUPERSAMPLE
    image = Image.new("L", (big, big))
    pen = ImageDraw.Draw(image)
    scale = big / GRID
    for kind, numbers in _STEP.findall(SHAPES[name]):
        values = [float(v) * scale for v in numbers.split()]
        if kind == "M":
            path = [(values[0], values[1])]
        elif kind == "O":
            _stroke(pen, _ring(*values), scale)
        elif kind == "D":
            pen.ellipse(_bounds(*values), fill=255)
        else:
            path = _extended(path, kind, values)
            _stroke(pen, path, scale)
    return image.resize((side, side), Image.Resampling.BOX)


def _extended(path: list[tuple[float, float]], kind: str, values: list[float]) -> list[tuple[float, float]]:
    if kind == "Z":
        return [*path, path[0]]
    if kind == "L":
        return [*path, (values[0], values[1])]
    return [*path, *_curve(path[-1], values)]


def _curve(start: tuple[float, float], values: list[float]) -> list[tuple[float, float]]:
    points = []
    for step in range(1, 17):
        t = step / 16
        a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
        points.append(
            (
                a * start[0] + b * values[0] + c * values[2] + d * values[4],
                a * start[1] + b * values[1] + c * values[3] + d * values[5],
            )
        )
    return points


def _ring(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    turns = [math.tau * k / 48 for k in range(49)]
    return [(x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns]


def _bounds(x: float, y: float, radius: float) -> tuple[float, float, float, float]:
    return x - radius, y - radius, x + radius, y + radius


def _stroke(pen: ImageDraw.ImageDraw, path: list[tuple[float, float]], scale: float) -> None:
    """Draw with round joins and ends."""
    wide = STROKE * scale
    pen.line(path, fill=255, width=round(wide))
    for x, y in path:
        pen.ellipse(_bounds(x, y, wide / 2), fill=255)
