"""Which goods a product is of, and which signs are at home there: a biscuit says nothing true of slime that crunches.

A product can be of several families (a toy for dogs is of two) or of none that is known. A sign that draws a thing
stands only on goods of its families, and on what is of none.
"""

import re
from functools import lru_cache

from lib.drawing.cover import facts

# Families that the kinds of product do not tell apart: whatever a title names counts, wherever it stands.
_STEMS = {
    "pets": (
        r"собак|собач|кошк|кошек|кошач|кот(?:а|у|ов|ы|ик\w*|ят\w*|ен\w*)?\b|щен(?:к|ок|ят)|питом|животн|грызун|хомяк"
        r"|попуга|намордник|переноска для (?:кош|соб|жив)|лошад|рыбок|террариум|пуходер|колтунорез|щетк\w* для шерст"
        r"|аквариум|когтеточ|лежанк|ошейник|поводок|шлейк|кормуш|автопоил|корм\b|зоо|dogs?\b|cats?\b|kitten|pupp(?:y"
        r"|ies)"
        r"|pets?\b|aquarium|leash|litter\b"
    ),
    "tech": (
        r"электронн\w* книг|домофон|видеоглаз|радио(?!нян)|плеер|модем|сканер|калькулятор|дрон\b|квадрокоптер"
        r"|умн(?:ый|ая|ое|ые)\b|смарт|smart|швейн|аккумулятор|пауэр|планшет|телевизор|тв-прист|регистратор"
        r"|обогрев|вентилятор|кондиционер|видеонян|радионян|весы"
        r"|бритв|триммер|эпилятор|машинк\w* для стриж|плойк|стайлер|проектор|микрофон|гарнитур|power ?bank"
        r"|tablet|fan\b|heater|razor|shaver|trimmer|projector|scale"
    ),
    "beauty": (
        r"тени\b|лак для|расческ|бритв|патчи|дезодорант|антиперспирант|маникюр|гребень|румян|хайлайтер|консилер"
        r"|кутикул|масло для (?:тел|лиц|волос)|карандаш\w* для (?:бров|глаз|губ)|подводк|пинцет|мочалк|ресниц|ватн"
        r"|парик|для бороды|для волос|для депил|ногт(?:и|ей)\b"
        r"|бальзам|пенк[аи]\b|скраб|эпилятор|плойк|кисть для|razor|hair ?brush|deodorant|nail|eye ?patch|blush|conceal"
    ),
    "lamp": r"лампочк|фонар|прожектор|bulb|flashlight|headlamp|lantern",
    "tools": (
        r"клей\b|краск[аи] для стен|сверл|гвозд|саморез|изолент|смесител|сантехн|стремянк|кисть маляр|шпатл|герметик"
        r"|glue\b|sealant"
    ),
    "plant": r"удобрен|шланг|секатор|грунт\b|лейк[аи]\b|рассад|газон|теплиц|fertili|hose\b|pruner|greenhouse|soil\b",
    "sport": (
        r"бассейн|велошлем|шлем|бинокль|лодк[аи]\b|сапборд|коньк|хокке|теннис|бадминтон|удочк|спиннинг|рыболов|рыбал"
        r"|ледобур|гамак"
        r"|термобель|эспандер|hammock"
    ),
    "home": (
        r"порошок|гель для стир|капсул|отбеливат|(?:чистящ|моющ)\w* средств|для стирки|ершик|вантуз|карниз|подставк"
        r"|коробк|сушилк|швабр|ведр|гладильн"
        r"|фоторамк|елк[аи]\b|гирлянд|картин[аы]\b|ароматизатор|photo frame"
    ),
    "food": (
        r"паста (?:из|тверд|итал)|рис\b|гречк|фарш|сосиск|рыб[аы]\b|икра\b|pasta|rice\b"
        r"|чипс|сухар|снек|хлебц|вафл|сироп|масло (?:сливоч|подсолн|кокос|льнян)|протеин|батончик|крекер|мюсли|гранол"
        r"|миндал|фисташ|финик|халв|пастил"
        r"|масло (?:раст|кунж|топл)|лимонад|пельмен|варени(?:к|ц)|цикорий|вялен|помидор|джем\b|хлеб|сахар\b|перец"
        r"|кунжут|лапш|чечевиц"
        r"|фасол|компот|квас|морс\b|оливков\w* масл|мюсл|консерв|тушенк|икр[ыа]\b|мяс[оа]\b|колбас"
        r"|приправ|уксус"
        r"|пюре|смес[ьи]\b|кетчуп|майонез|chips|crackers?\b|granola|syrup|protein|snack"
    ),
    "kids": (
        r"слайм|антистресс|дет(?:ей|ям|и)\b|ребен|младен|новорожд|подгузн|коляск|кубики|игр[аыу]?\b|раскраск|сортер"
        r"|бизиборд|автокресл|прорезыват|пупс|пирамидка|слинг|качел|глобус|горка|песочниц|беговел|настольн\w* (?:игр"
        r"|футбол|хоккей)|юного|бутылочк"
        r"|самокат|прогулочн|молокоотс|пеленк|ползунк|распашонк|slime|blocks\b|stroller|diaper|nursery|child|pram\b"
        r"|game\b"
    ),
    "kitchen": (
        r"сковор|кастрюл|нож(?:и|ей)?\b|кружк|чашк|тарел|миск|бокал|стакан|термос|термокр|бутыл|контейнер|ланч"
        r"|противень"
        r"|чайник|турк[аи]\b|разделочн|половник|лопатк|посуд|столовы|вилк|ложк|терк|дуршлаг|салатник|пароварк"
        r"|мультивар|блендер|тостер"
        r"|микроволн|гриль|мясоруб|соковыж|миксер|аэрогрил|вафельниц|хлебопеч|кухон|кухн|форм[аы] для вып|духов(?:к|ой)"
        r"|плит[аы]\b|весы кух"
        r"|кувшин|дуршлаг|салатник|пароварк|скалк|сито\b|венчик|форма для|хлебниц|поднос|штопор|открывалк"
        r"|подставка для нож"
        r"|френч-?пресс|гейзерн|самовар|сахарниц|бутылочк|мангал|казан|шампур|коптильн|поильник"
        r"|mugs?\b|cups?\b|pans?\b|pots?\b|knife|knives|kettle|tumbler|thermos|bottle|plates?\b"
        r"|bowl|lunch|blender|toaster|cookware|kitchen|cutting board|fryer|oven"
        r"|coffee (?:maker|machine|grinder)|кофе(?:маш|вар|мол)"
    ),
    "textile": (
        r"постел|простын|наволоч|пододеял|подуш|одеял|плед|матрас|наматрас|полотен|штор|тюль|скатерт|ковер|ковр(?:ы|ик)"
        r"|покрывал|чехол на|чехл\w* на|салфет|bedding|sheets?\b|pillow|duvet|blanket|mattress|towel|curtain|rugs?\b"
        r"|tablecloth|bedspread|quilt"
    ),
    "furniture": (
        r"диван|кресл|стул|стол(?!ов|ешн)|табурет|пуф\b|шкаф|комод|тумб|полк|стеллаж|кроват|банкет|вешалк|sofas?\b"
        r"|couch"
        r"|chair|tables?\b|desks?\b|stool|shel[fv]|wardrobe|beds?\b|bench|drawers"
    ),
    "shoes": (
        r"кросс|ботильон|ботин|туфл|сапог|тапоч|тапк|кед[ыо]|сандал|босонож|шлепан|сланц|угги|балетк|лофер|валенк"
        r"|обув|галош"
        r"|сабо\b|слипон|мокасин|стельк|носк[иао]|носочк|shoe|sneaker|boots?\b|slipper|sandal|heels?\b|loafer"
        r"|socks?\b|insole"
    ),
    "bags": (
        r"рюкзак|сумк|сумочк|чемодан|кошел|портмоне|клатч|шоппер|backpack|bags?\b|suitcase|luggage|wallet|tote|purse"
    ),
    "auto": (
        r"авто(?!мат|корм|поил|полив|клав|ручк)|(?<!ая )машин(?:у|ы|е|а)\b|мото(?!р)|салон|шин[аы]?\b|cars?\b|vehicle"
    ),
    "health": (
        r"пояс (?:для|от)|пульсоксим|небулайз|костыл|тонометр|термометр|ортез|бандаж|корсет|ингалятор|массаж|грелк"
        r"|пластыр|витамин|бад\b|аптечк|слухов|глюкометр"
        r"|vitamin|supplement|massager|thermometer|bandage|first aid"
    ),
    "mouth": r"зуб|для рта|ополаскиват|ирригатор|dental|tooth|teeth|irrigator",
    "stationery": (
        r"тетрад|блокнот|карандаш(?!\w* для (?:бров|глаз|губ))|ластик|линейк|степлер|папк[аи]\b|фломастер|маркер"
        r"|краск(?!\w* для (?:волос|стен|пола))|альбом|ежедневник|пенал"
        r"|скетч|пластилин|notebook|pens?\b|pencil"
        r"|planner|marker|journal|sketch"
    ),
}  # fmt: skip
FAMILIES = {*_STEMS, *facts.KINDS}
# A family that says more than a kind stands in its place.
_NARROWER = {
    "home": {"kitchen", "textile", "furniture"},
    "beauty": {"mouth"},
    "clothes": {"shoes", "bags"},
    "kids": {"pets"},
    "tools": {"auto"},
}
# Where a product stands says nothing of what it is, and neither does whom it is for: boots for children have no wheels.
_PLACE = re.compile(r"\bдля (?:кухни|ванной|дома|дачи|гаража|сада|офиса|спальни|гостиной|балкона)\b")
_FOR_WHOM = frozenset({"kids"})
UNKNOWN = "other"

# What a name of goods may begin with: an electric kettle is a kettle.
_BEFORE = r"(?:электро|мини|микро|термо|гидро|фото|видео|вело|мото|био|супер)-?"
_PATTERNS = [
    (family, re.compile(rf"(?<![^\W\d_])(?:{_BEFORE})?(?:{stems})", re.IGNORECASE))
    for family, stems in (*_STEMS.items(), *facts.KINDS.items())
]

_WORN = "clothes shoes sport kids pets"
_EATEN = "food kitchen pets"
_GROWN = "food kitchen plant beauty pets kids"
_COOKED = "food kitchen tech"
_WITHOUT_CURRENT = "food clothes shoes textile beauty plant"

# Signs that draw a thing, with the families whose goods have to do with it. "-" begins a list of those that have not.
HOMES = {
    "cookie": "food pets",
    **dict.fromkeys(("cake", "ice-cream", "cheese", "baguette", "salad", "meat", "fish", "egg"), _EATEN),
    **dict.fromkeys(("cherry", "lemon", "carrot", "mushroom", "pepper", "wheat", "nut"), _GROWN),
    **dict.fromkeys(("chef-hat", "bowl-spoon", "cooker"), f"{_COOKED} home"),
    **dict.fromkeys(("dress", "pants", "hoodie", "beanie"), _WORN),
    **dict.fromkeys(("keyboard", "cpu", "disc", "printer", "mouse"), "tech auto stationery"),
    **dict.fromkeys(("camera", "video", "device-desktop", "focus-2", "bell", "car"), f"-{_WITHOUT_CURRENT} kitchen"),
    **dict.fromkeys(("music", "volume", "gauge", "settings", "microphone"), f"-{_WITHOUT_CURRENT}"),
    **dict.fromkeys(("battery-4", "battery-charging", "battery-eco"), "-food textile plant"),
    **dict.fromkeys(("plant", "plant-2"), "-tech tools auto clothes shoes bags furniture"),
    "plug": "-food clothes shoes plant", "bolt": "-clothes shoes textile furniture bags",
    "bulb": "-food beauty clothes textile mouth", "droplet": "-bags furniture stationery",
    "droplets": "beauty food plant pets mouth kitchen tech health home kids",
    "flower": "-tech lamp auto tools sport furniture mouth", "flask": "-clothes shoes bags furniture",
    "file": "-food clothes shoes beauty textile", "pencil": "-food kitchen textile shoes",
    "paw": "-food mouth beauty", "pill": "food beauty pets health mouth sport plant kids",
    "sunglasses": "clothes auto sport kids", "scissors": "-food shoes auto", "anvil": "-food beauty",
    "wood": "-food shoes clothes beauty textile", "circles": "-food",
    "diamond": "-kids sport furniture tools auto plant pets",
    "perfume": "-food shoes pets tools kitchen furniture", "wifi": "tech lamp auto",
    **dict.fromkeys(("acorn", "apple"), "food kitchen plant pets kids"),
    "paint": "home tools furniture kids stationery auto",
    "candy": "food kitchen", "milk": "food kitchen pets beauty kids", "mood-tongue": f"{_EATEN} mouth beauty",
    "bowl": "food kitchen pets kids", "glass": "food kitchen home lamp tech beauty furniture pets",
    "bottle": "food kitchen beauty kids pets sport home mouth", "cup": "food kitchen home tech auto furniture",
    "coffee": "food kitchen home tech furniture beauty", "teapot": "food kitchen home tech",
    "salt": "food kitchen beauty",
    "dental": "mouth pets kids", "hair-dryer": "beauty tech pets kids clothes",
    "hand-soap": "-textile furniture tech food kitchen",
    "shoe": "shoes clothes sport kids furniture health", "sock": _WORN, "high-heel": "shoes clothes",
    "shirt": "-food plant auto furniture stationery lamp tools bags mouth health pets kitchen",
    "hanger": "clothes furniture home textile bags",
    "needle-thread": "clothes shoes textile furniture kids auto pets sport bags",
    "yarn": "clothes shoes textile home kids pets sport", "texture": "-food beauty mouth",
    "pillow": "textile furniture kids pets", "bed": "textile furniture kids pets sport",
    "sofa": "textile furniture pets", "armchair": "textile furniture auto kids",
    "layout-grid": "-textile home food beauty", "knife": "kitchen tools home sport beauty plant tech",
    "drill": "tools home furniture", "hammer": "-food beauty clothes shoes textile",
    "wheel": "auto sport kids furniture tools bags",
    "baby-bottle": "kids kitchen", "baby-carriage": "kids bags", "backpack": "bags clothes sport kids pets stationery",
    "cat": "pets", "bone": "pets sport food beauty furniture textile health", "seedling": "plant kids food tools",
    "shovel": "plant tools auto kids", "tractor": "plant auto kids tools", "cactus": "plant home",
    "barbell": "sport food clothes health", "candle": "home lamp beauty food", "car-fan": "auto tech",
    "fish-hook": "sport", "spray": "home beauty plant kitchen eco", "wallpaper": "home tools",
    "brush": "-clothes shoes textile tech food bags auto furniture",
    "home": "-clothes shoes sport food beauty bags mouth auto",
    **dict.fromkeys(("ball-basketball", "ball-football", "boxing-glove"), "sport kids pets"),
    **dict.fromkeys(("device-gamepad-2", "headphones", "headset"), "tech kids furniture bags clothes"),
    **dict.fromkeys(("device-sd-card", "plug-connected", "usb"), "-food clothes shoes textile beauty plant mouth"),
    **dict.fromkeys(("tool", "tools", "trash", "stairs"), "-food beauty clothes shoes textile mouth"),
    "bandage": "health beauty kids shoes clothes pets sport", "hexagons": "food beauty health lamp home kids",
    "book": "-food beauty textile shoes clothes tools auto", "school": "kids stationery bags clothes tech",
    "microwave": "kitchen food tech textile", "swimming": "sport kids clothes tech health",
    "wallet": "bags clothes tech", "wall": "-food beauty clothes shoes bags pets mouth",
    "ironing-1": "clothes textile home tech kids bags", "lungs": "health tech beauty sport food home",
    "wash-machine": "-food tools plant mouth", "truck-delivery": "-clothes beauty",
}  # fmt: skip


# Signs that draw a thing and nothing that it does: where a verb speaks, the thing is only one that it is done to.
INERT = {
    "anvil", "apple", "baguette", "bottle", "bowl", "briefcase", "brush", "cake", "candy", "cheese", "cherry",
    "circles", "coffee", "cookie", "cup", "diamond", "dress", "egg", "fish", "flower", "glass", "hand-stop", "home",
    "knife", "meat", "milk", "nut", "package", "paint", "pants", "plane", "plant", "salad", "salt", "sofa", "teapot",
    "texture", "wheat", "wheel", "wood", "yarn",
}  # fmt: skip


@lru_cache(maxsize=64)
def families(name: str) -> frozenset[str]:
    """Return the families that a product's whole title names; UNKNOWN alone where it names none."""
    name = _PLACE.sub("", name.lower().replace("ё", "е"))
    named = {family for family, stems in _PATTERNS if stems.search(name)}
    return frozenset(one for one in named if named.isdisjoint(_NARROWER.get(one, ()))) or frozenset({UNKNOWN})


def is_at_home(sign: str, product: frozenset[str]) -> bool:
    """Say whether a sign may stand on a product of these families."""
    listed = HOMES.get(sign)
    if listed is None or UNKNOWN in product:
        return True
    product = product - _FOR_WHOM or product
    named = set(listed.removeprefix("-").split())
    return bool(product - named) if listed.startswith("-") else not product.isdisjoint(named)
