from lib.telegram import edits
from lib.telegram.conversation import State
from lib.telegram.update import Attachment, Incoming, Sender

ALICE = Sender(7, "Алиса", "", "", "")


def said(words, number=5, **more):
    return Incoming(1, "text", ALICE, number, words, **more)


def answered(words="Крушка", *, step="order:words", led_to="order:product", settled=False):
    state = State(step=led_to)
    edits.hear(state, said(words), step, settled=settled)
    return state


def test_an_edit_of_the_current_answer_is_a_new_answer_to_the_same_step():
    state, mended = answered(), said("Кружка", edited=True)
    assert edits.is_new(state, mended)
    answer = edits.again(state, mended)
    assert (state.step, answer.kind, answer.text, answer.edited) == ("order:words", "text", "Кружка", False)


def test_an_edit_of_an_older_message_and_one_that_changes_no_word_are_nothing():
    assert not edits.is_new(answered(), said("Кружка", number=4, edited=True))
    assert not edits.is_new(answered(), said("Крушка", edited=True))
    assert not edits.is_new(State(), said("Кружка", edited=True))


def test_an_edit_comes_too_late_once_the_conversation_has_moved_on_or_the_words_had_their_effect():
    for state in (
        answered(led_to=""),
        answered(step="letter:words", led_to="menu:home"),
        answered(step="inbox:talk", led_to="inbox:talk", settled=True),
    ):
        before = state.step
        assert edits.again(state, said("Кружка", edited=True)) is None
        assert state.step == before
    moved = answered()
    moved.step = "order:look"
    assert edits.again(moved, said("Кружка", edited=True)) is None


def test_a_message_that_answers_nothing_is_not_waited_for():
    state = answered()
    edits.hear(state, said("Привет", number=6), "")
    assert not state.heard


def test_a_mended_caption_answers_as_words_and_another_picture_as_a_picture():
    file = Attachment("photo", "a", "b", 9, "image/jpeg", "")
    state = State(step="order:product")
    edits.hear(state, Incoming(1, "photo", ALICE, 5, "Крушка", attachment=file), "")
    caption = Incoming(2, "photo", ALICE, 5, "Кружка", attachment=file, edited=True)
    assert edits.is_new(state, caption)
    answer = edits.again(state, caption)
    assert (answer.kind, answer.text, answer.attachment) == ("text", "Кружка", None)
    other = Attachment("photo", "c", "d", 9, "image/jpeg", "")
    replaced = Incoming(3, "photo", ALICE, 5, "Крушка", attachment=other, edited=True)
    assert edits.is_new(state, replaced)
    assert edits.again(state, replaced).attachment == other
