from lib.menu import synonyms, words


def test_words_of_a_group_stand_for_each_other_and_an_arrow_leads_one_way():
    known = synonyms.Synonyms()
    known.add(["# a comment", "", "экран, дисплей", "попить > чай"])
    assert words.stem("экран") in known.also[words.stem("дисплей")]
    assert known.also[words.stem("попить")] == {words.stem("чай")}
    assert words.stem("чай") not in known.also


def test_a_phrase_is_read_as_the_other_one_as_whole_words_only():
    known = synonyms.of_shop(["без газа = негазированная"])
    assert known.rewrite("вода без газа") == "вода негазированная"
    assert known.rewrite("без газарина") == "без газарина"
