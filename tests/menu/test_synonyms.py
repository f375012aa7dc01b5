from lib.menu import synonyms, words


def test_words_of_a_group_stand_for_each_other_and_an_arrow_leads_one_way():
    known = synonyms.Synonyms()
    known.add(["# a comment", "", "экран, дисплей", "попить > чай"])
    assert words.stem("экран") in known.also[words.stem("дисплей")]
    assert known.below(words.stem("попить")) == {words.stem("чай")}
    assert not known.below(words.stem("чай"))


def test_a_phrase_is_read_as_the_other_one_as_whole_words_only():
    known = synonyms.of_shop(["без газа = негазированная"])
    assert known.rewrite("вода без газа") == "вода негазированная"
    assert known.rewrite("без газарина") == "без газарина"


def test_a_phrase_is_read_in_each_of_its_forms_and_left_alone_where_nobody_heeds_it():
    known = synonyms.Synonyms()
    known.add(["лосось, красная рыба"])
    assert known.rewrite("что есть из красной рыбы?") == "что есть из лосось"
    assert known.rewrite("красной рыбы", lambda meant: meant != "лосось") == "красной рыбы"


def test_kinds_bring_their_other_names_and_no_kinds_of_their_own():
    known = synonyms.Synonyms()
    known.add(["еда > мясо", "мясо, meat > курица", "курица, chicken"])
    assert known.below(words.stem("еда")) == {words.stem("мясо"), "meat"}


def test_a_menu_gets_the_words_of_its_own_trades():
    salon, cafe = (synonyms.fitting(one) for one in (["Стрижка", "Маникюр"], ["Борщ", "Капучино"]))
    assert words.stem("стричься") in salon.also
    assert words.stem("борщ") not in salon.also
    assert words.stem("coffee") in cafe.also
    assert words.stem("красный") in salon.also.keys() & cafe.also.keys()
    assert synonyms.fitting([]).also


def test_each_rule_of_the_list_can_be_read():
    for trade, lines in synonyms._trades().items():
        for line in lines:
            assert line.startswith("#") or (line.count(">") <= 1 and line.count("=") <= 1 and ",," not in line), trade
            assert all(one.strip() for one in line.replace(">", ",").replace("=", ",").split(",")), line
