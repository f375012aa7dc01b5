import itertools

import pytest

from lib.menu import synonyms, words
from lib.menu.goods import MenuItem, Variant
from lib.menu.index import Index


def an_item(code, title, price=200, *, category="Кофе", description="", sizes=(), available=True):
    variants = sizes or (Variant("", price * 100),)
    return MenuItem(code, category, title, tuple(variants), description, available=available)


MENU = Index(
    [
        an_item("latte", "Латте", sizes=(Variant("300 мл", 25000), Variant("400 мл", 29000))),
        an_item("oat", "Латте на овсяном молоке", 320, description="без лактозы"),
        an_item("black", "Американо", 160),
        an_item("cake", "Медовик", 290, category="Десерты", description="сметанный крем"),
        an_item("bar", "Батончик с орехами", 120, category="Десерты"),
        an_item("plain", "Батончик фруктовый", 120, category="Десерты", description="без орехов"),
        an_item("pie", "Пирожок с вишней", 120, category="Выпечка"),
        an_item("sold", "Пирожок с капустой", 110, category="Выпечка", available=False),
        an_item("a54", "Замена экрана Galaxy A54", 8900, category="Ремонт"),
    ]
)


def codes(question, index=MENU):
    return [one.item.code for one in index.ask(question).items]


@pytest.mark.parametrize(
    "question", ["латте", "сколько стоит латте?", "latte", "kfnnt", "ЛАТТЕ 400 мл", "латтэ", "хочу латте!!"]
)
def test_an_item_is_found_however_it_is_written(question):
    assert codes(question)[0] == "latte"


def test_a_title_said_in_full_comes_before_a_longer_one():
    assert codes("латте")[:2] == ["latte", "oat"]


def test_a_variant_above_the_limit_is_left_out_and_the_item_stays():
    [found] = [one for one in MENU.ask("латте до 260").items if one.item.code == "latte"]
    assert [one.name for one in found.variants] == ["300 мл"]


def test_nothing_above_the_limit_is_shown():
    assert codes("десерт до 100 рублей") == []


def test_silence_about_nuts_is_no_promise():
    assert codes("десерт без орехов") == ["plain"]


def test_an_allergy_shows_nothing_but_what_says_to_be_without():
    assert codes("у меня аллергия на орехи") == ["plain"]
    assert codes("у меня аллергия на арахис, что можно?") == []


def test_what_is_sold_out_comes_last():
    assert codes("пирожки") == ["pie", "sold"]


def test_a_whole_shelf_answers_a_question_about_it():
    assert set(codes("что есть из десертов")) == {"cake", "bar", "plain"}


def test_the_cheapest_comes_first():
    assert codes("самый дешёвый кофе")[0] == "black"


@pytest.mark.parametrize("question", ["Galaxy A72", "суши и роллы", "спасибо, до свидания!", "???", "", "во сколько"])
def test_silence_where_nothing_fits(question):
    assert codes(question) == []


SALON = Index(
    [
        an_item("colour", "Окрашивание в один тон", category="Волосы", sizes=(Variant("до плеч", 450000),)),
        an_item("brows", "Окрашивание хной", category="Брови", description="держится три недели"),
        an_item("tyres", "Смена шин", category="Шины", sizes=(Variant("R13–R16", 200000), Variant("R17-R20", 280000))),
        an_item("beer", "Пиво безалкогольное", category="Бар"),
        an_item("steak", "Стейк", category="Гриль", description="говядина с овощами"),
        an_item("wine", "Вино красное", category="Бар", description="к стейку"),
        an_item("meat", "Пирог с мясом", category="Пироги"),
    ]
)


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("перекрасить волосы", "colour"),  # a root under other prefixes and suffixes
        ("пирог мясной", "meat"),
        ("переобуть шины 19", "tyres"),  # within R17–R20
        ("что-нибудь без алкоголя", "beer"),
        ("вино к стейку", "wine"),  # what it goes with is not what is asked for
        ("мама просила покрасить волосы на этой неделе", "colour"),
    ],
)
def test_what_other_words_mean_is_found_by_rules(question, code):
    assert codes(question, SALON)[0] == code


@pytest.mark.parametrize("question", ["татуировка на плече", "говядина вагю в золоте", "тонировка стёкол"])
def test_a_word_in_passing_beside_one_that_the_menu_does_not_know_is_no_answer(question):
    assert codes(question, SALON) == []


def test_an_answer_that_leaves_half_of_a_question_unexplained_says_that_it_guesses():
    assert SALON.ask("пирог гавайский").guess
    assert not SALON.ask("пирог").guess


def test_without_meat_means_without_each_kind_of_it():
    assert {"steak", "meat"} & {*codes("еда без мяса до 5000", SALON)} == set()


def test_what_only_resembles_a_title_is_marked_as_a_guess():
    found = MENU.ask("пирожулище")
    assert [one.item.code for one in found.items] == ["pie", "sold"]
    assert found.guess


def test_words_of_a_group_that_are_two_are_one_phrase():
    fish = Index([an_item("fish", "Лосось"), an_item("wine", "Вино красное")])
    assert codes("красная рыба", fish) == ["fish"]


def test_a_shop_adds_words_of_its_own():
    own = Index(MENU.items, synonyms.of_shop(["лакомство мастера = медовик"]))
    assert codes("лакомство мастера", own) == ["cake"]
    assert codes("лакомство мастера") == []


def test_a_word_that_the_list_knows_is_no_typing_error_of_another():
    bouquet = an_item("man", "Мужской букет", category="Букеты")
    assert codes("для дедушки", Index([bouquet])) == ["man"]
    assert codes("для девушки", Index([bouquet])) == []


def test_an_empty_menu_is_silent():
    assert codes("латте", Index([])) == []


def test_a_question_of_unknown_words_is_not_compared_with_each_word_of_the_menu(monkeypatch):
    letters, compared = "абвгдежзиклмнопрстуф", []
    edits = words.edits
    monkeypatch.setattr(words, "edits", lambda *pair: compared.append(pair) or edits(*pair))
    titles = ["".join(one) for one in itertools.islice(itertools.permutations(letters, 7), 0, 10**6, 1_000)]
    index = Index([an_item(str(at), one) for at, one in enumerate(titles)])
    index.ask("хцчшщыэ эыщшчцх")
    assert not compared
    assert index.ask(titles[500][:-1] + "щ").items


CANTEEN = Index(
    [
        an_item("salmon", "Лосось на гриле", category="Горячее"),
        an_item("beans", "Лобио", category="Горячее", description="фасоль, постное"),
        an_item("stew", "Чашушули", category="Горячее", description="тушёная говядина, остро"),
        an_item("eggs", "Яйца бенедикт", category="Завтраки", description="лосось"),
        an_item("bread", "Хлеб кукурузный", category="Хлеб", description="без глютена"),
        an_item("rye", "Хлеб ржаной", category="Хлеб"),
        an_item("ice", "Пломбир", category="Сладкое"),
        an_item("cola", "Кола", category="Напитки"),
        an_item("hen", "Цыплёнок табака", category="Горячее"),
    ]
)


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("есть рыбка?", "salmon"),
        ("что-нибудь остренькое", "stew"),
        ("яичек бы", "eggs"),
        ("безглютеновый хлеб", "bread"),
        ("газировка", "cola"),
        ("мороженку", "ice"),
        ("красной рыбы бы", "salmon"),  # a phrase in another form
        ("chicken", "hen"),
        ("постное что-нибудь", "beans"),
    ],
)
def test_a_kind_an_attribute_and_a_pet_name_lead_to_the_item(question, code):
    assert codes(question, CANTEEN)[0] == code


@pytest.mark.parametrize("question", ["я вегетарианка, что мне взять", "что можно в пост", "vegan please", "без мяса"])
def test_who_eats_no_meat_is_shown_none_though_no_word_of_it_stands_in_the_title(question):
    found = codes(question, CANTEEN)
    assert found[0] == "beans"
    assert not {"stew", "hen"} & {*found}


def test_no_fish_for_who_eats_no_animals_and_a_typing_error_forbids_as_well():
    assert "salmon" not in codes("вегетарианское горячее", CANTEEN)
    assert "stew" not in codes("горячее без говядены", CANTEEN)


@pytest.mark.parametrize(
    "question", ["мороженое с собой", "десерт на двоих", "подскажите, пожалуйста, вкусное мороженое"]
)
def test_words_in_passing_do_not_silence_what_is_asked_for(question):
    assert codes(question, CANTEEN) == ["ice"]


@pytest.mark.parametrize("question", ["суши есть?", "корм для кур", "водка", "пицца с лососем"])
def test_a_thing_that_the_shop_lacks_is_no_typing_error_of_what_it_has(question):
    assert codes(question, CANTEEN) == []


def test_what_is_known_of_another_trade_means_nothing_here():
    names = {"braid": "Сыр косичка", "milk": "Молоко", "cream": "Сметана", "curd": "Творог", "whey": "Кефир"}
    cheese = Index([an_item(code, title, category="Молочное") for code, title in names.items()])
    hair = Index([an_item("cut", "Стрижка", category="Волосы"), an_item("plait", "Плетение", category="Волосы")])
    assert codes("косы", hair) == ["plait"]
    assert codes("плетение", cheese) == []


def test_the_word_for_a_shelf_means_that_shelf_alone_where_it_is_asked_for():
    menu = Index([an_item("cake", "Медовик", category="Десерты"), an_item("bun", "Булочка", category="Выпечка")])
    assert codes("какие десерты есть", menu) == ["cake"]


def test_english_typing_errors_are_forgiven_in_an_english_menu():
    assert codes("capucino", Index([an_item("cap", "Cappuccino", category="Coffee")])) == ["cap"]


def test_an_error_in_a_short_russian_word_makes_no_english_one_of_it():
    assert codes("корм", Index([an_item("corn", "Хлеб кукурузный", category="Хлеб")])) == []


SHOP = Index(
    [
        an_item("white", "Роза белая, 50 см", category="Цветы"),
        an_item("box", "Букет из 25 красных роз", category="Букеты"),
        an_item("tulips", "Тюльпаны", category="Цветы", sizes=(Variant("15 шт", 195000), Variant("25 шт", 299000))),
        an_item("i13", "Замена экрана iPhone 13", category="Экраны", description="40 минут"),
        an_item("a54", "Замена экрана Galaxy A54", category="Экраны", description="2 часа"),
        an_item("back", "Замена задней крышки iPhone", category="Корпус"),
        an_item("urgent", "Срочный ремонт за 1 час", category="Услуги"),
        an_item("glass", "Защитное стекло", category="Аксессуары"),
        an_item("bank", "Повербанк", category="Аксессуары"),
        an_item("milk", "Молоко коровье", category="Молочное"),
        an_item("farm", "Пельмени домашние", category="Заморозка"),
        an_item("chees", "Чизкейк", category="Десерты"),
        an_item("coffee", "Капучино", category="Кофе", sizes=(Variant("200 мл", 21000), Variant("300 мл", 25000))),
        an_item("burger", "Фишбургер с треской", category="Горячее"),
    ]
)


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("15 роз", ["white"]),  # a count
        ("двадцать пять роз", ["box"]),
        ("тюльпаны 35 штук", ["tulips"]),
        ("капучино 200мл", ["coffee"]),
        ("экран айфон13", ["i13"]),
        ("экран галакси а54", ["a54"]),
        ("экран iphone 16", []),  # the worst answer is a part that does not fit
        ("экран galaxy a56", []),
        ("задняя крышка айфон 16", ["back"]),
    ],
)
def test_a_number_picks_what_has_it_and_what_names_another_is_no_answer(question, found):
    assert codes(question, SHOP) == found


@pytest.mark.parametrize(
    ("question", "found"),
    [("чиз кейк", "chees"), ("повер банк?", "bank"), ("защитноестекло", "glass"), ("экран айфон13 заменить", "i13")],
)
def test_a_space_too_many_or_too_few_is_no_matter(question, found):
    assert codes(question, SHOP)[0] == found


def test_a_compound_is_what_its_end_says():
    assert codes("бургеры", Index([an_item("fish", "Фишбургер с треской")])) == ["fish"]
    guessed = SHOP.ask("бронестекло")
    assert [one.item.code for one in guessed.items] == ["glass"]
    assert guessed.guess


def test_what_it_is_counts_more_than_what_it_is_like_and_whom_it_is_for():
    assert codes("деревенское молоко", SHOP)[0] == "milk"
    assert codes("стекло для айфона", SHOP)[0] == "glass"


def test_a_complaint_leads_to_what_helps_and_not_to_whatever_is_for_a_telephone():
    repair = Index(
        [
            an_item("flash", "Перепрошивка телефона", category="Программы"),
            an_item("port", "Замена разъёма зарядки", category="Разъёмы"),
            an_item("mic", "Замена микрофона", category="Звук", description="если вас не слышат"),
        ]
    )
    assert codes("не заряжается телефон", repair)[0] == "port"
    assert codes("меня не слышно", repair) == ["mic"]


def test_two_things_in_one_question_are_both_answered():
    assert sorted(codes("капучино, а ещё чизкейк и тюльпаны", SHOP)) == ["chees", "coffee", "tulips"]


def test_hours_of_work_are_no_watches():
    assert codes("ремонт наручных часов", SHOP) == []
