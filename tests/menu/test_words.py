import pytest

from lib.menu import words


@pytest.mark.parametrize(
    "forms",
    [
        "пирожок пирожки пирожков",
        "круассан круассаны круассанов",
        "роза розы роз розочка розочек",
        "сырники сырников",
        "borsch borsch",
        "букет букеты букетов букетик",  # what a noun ends in is no ending of a verb
        "бокал бокалы бокалом",
        "гранат граната",
        "банкет банкета банкетов",
        "ветка веток веточка",
        "огурец огурцы огурцов",
        "вафля вафли вафель",
        "батарейка батареек батарейки",
        "ноготь ногти ногтей ногтями",
        "вишня вишни вишен вишней",
        "орхидея орхидеи орхидей орхидею",
        "яйцо яйца яиц яичко яичек",
        "чехол чехлы чехлов",
        "автомобиль автомобили автомобилей",
        "азалия азалии азалией",
        "говяжий говяжья говяжьего",
        "шашлык шашлыки шашлычок",
        "фрикаделька фрикаделек",
        "василёк васильки васильков",
    ],
)
def test_the_forms_of_a_word_share_a_stem(forms):
    assert len({words.stem(words.plain(one)) for one in forms.split()}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("водка", "вода"),
        ("белок", "белый"),
        ("печень", "печенье"),
        ("кисель", "кислый"),
        ("голубика", "голубой"),
        ("выпечка", "выпить"),
        ("пастила", "паста"),
        ("банка", "баня"),
        ("ногти", "ноги"),
    ],
)
def test_words_that_only_look_alike_do_not_share_one(one, other):
    assert words.stem(one) != words.stem(other)


def test_each_form_that_is_an_exception_is_listed_once():
    lines = [line.split() for line in words._FORMS_FILE.read_text(encoding="utf-8").splitlines() if line[0] != "#"]
    forms = [form for _, *forms in lines for form in forms]
    assert len(forms) == len({*forms})


@pytest.mark.parametrize(("latin", "cyrillic"), [("tulpan", "тюльпан"), ("medovik", "медовик"), ("borsch", "борщ")])
def test_what_sounds_alike_has_one_spelling(latin, cyrillic):
    assert words.sound(latin) == words.sound(cyrillic)


def test_the_same_keys_of_the_other_layout_give_the_word():
    assert words.in_other_layout("vtljdbr") == "медовик"
    assert words.in_other_layout("xt[jk") == "чехол"


def test_a_swapped_pair_is_one_edit_and_a_far_word_is_not_counted_to_the_end():
    assert words.edits("капучино", "капучион", 2) == 1
    assert words.edits("капучино", "эспрессо", 2) == 3


def test_invisible_characters_and_wide_spaces_go():
    assert words.plain("Ёлка\u202e\u00a0 1\u202f290") == "елка 1 290"


@pytest.mark.parametrize(
    ("one", "other"), [("покрасить", "окрашивание"), ("мясной", "мясо"), ("вишнёвый", "вишня"), ("стричь", "стрижка")]
)
def test_words_of_one_root_share_it(one, other):
    assert words.roots(words.stem(words.plain(one))) & words.roots(words.stem(words.plain(other)))


def test_a_noun_that_ends_like_a_verb_keeps_its_stem():
    assert words.stem("ролла") == words.stem("роллы")
    assert not words.is_passing("билет")
    assert words.is_passing("покажите")


@pytest.mark.parametrize(
    ("word", "passing"), [("случайно", True), ("быстро", True), ("вернете", True), ("масло", False), ("букете", False)]
)
def test_verbs_and_adverbs_say_little_of_what_is_asked_for(word, passing):
    assert words.is_passing(word) == passing


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("айфон13", ["айфон", "13"]),
        ("капучино 200мл", ["капучино", "200", "мл"]),
        ("галакси а54", ["галакси", "а54"]),
        ("s22ultra", ["s22", "ultra"]),
        ("3d-стекло", ["3d", "стекло", "3dстекло"]),
    ],
)
def test_letters_and_digits_written_together_are_parted_and_a_model_is_whole(text, found):
    assert words.split(text) == found


@pytest.mark.parametrize(("one", "other"), [("а54", "a54"), ("с23", "s23"), ("с23", "c23"), ("х5", "x5")])
def test_a_model_is_spelled_in_both_alphabets(one, other):
    assert words.spellings(one) & words.spellings(other)


def test_a_number_is_no_other_number():
    assert words.spellings("11") == {"11"}


@pytest.mark.parametrize(
    ("text", "numbered"),
    [
        ("Замена экрана iPhone 13; 40 минут", True),
        ("Galaxy A54; 2 часа", True),
        ("Букет из 25 красных роз", True),
        ("Роза белая, 50 см; Кения", False),
        ("Сырники; из творога 9 %", False),
        ("Окно 60х90 см", False),
        ("Чизкейк", False),
    ],
)
def test_a_size_is_no_number_of_a_name(text, numbered):
    assert words.is_numbered(text) == numbered


@pytest.mark.parametrize(
    ("word", "quality"), [("деревенское", True), ("белых", True), ("синяя", True), ("молоко", False), ("роз", False)]
)
def test_an_adjective_says_what_something_is_like(word, quality):
    assert words.is_quality(word) == quality
