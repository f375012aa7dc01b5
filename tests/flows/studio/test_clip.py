"""A clip: what it is called without a key, the photos that become its shots, and the music that is remembered."""

import pytest

from lib.flows.studio.order import draft as drafts
from lib.flows.studio.order import screens
from lib.flows.studio.ordering import DRAFT, OrderDraft
from lib.providers import makers
from lib.studio import orders
from tests.flows.studio.test_batch import alice, does, photo  # noqa: F401

CLIP = OrderDraft(file_id="a", photos=("a",), title="Кружка", product="video5", template="ugc", design="")


@pytest.fixture
def filmed(monkeypatch):
    """Let a model film."""
    monkeypatch.setattr(makers, "is_remote", lambda product: True)


async def test_a_person_who_is_not_there_is_not_promised(alice):  # noqa: F811
    turn = await does(alice, CLIP, text="order:change:look")
    words, keyboard = turn.chat.said[-1]
    labels = [button.label for row in keyboard for button in row]
    assert labels[:3] == ["Живые стикеры", "Товар крупно", "Ожившая обложка"]
    assert "Блогер" not in words
    turn = await does(alice, text="order:template:ugc")
    assert "Видео 5 секунд · Живые стикеры" in turn.chat.said[-1][0]


def test_a_model_films_a_blogger(filmed):
    class Turn:
        def text(self, key):
            return key

    assert screens.look_name(Turn(), CLIP) == "studio.template.ugc"
    assert screens.look_name(Turn(), drafts.replace(CLIP, maker="own")) == "studio.template.own.ugc"


async def test_photos_of_an_album_become_shots_up_to_six(alice):  # noqa: F811
    for number in range(8):
        await does(alice, **photo(f"p{number}", "album"))
    draft = drafts.replace(CLIP, file_id="p0", photos=DRAFT.of(alice).photos, maker="")
    turn = await does(alice, draft, text="order:template:broll")
    assert "6 фото: каждое — отдельный кадр" in turn.chat.said[-1][0]
    assert drafts.order(DRAFT.of(alice), turn).photos == tuple(f"p{number}" for number in range(6))


async def test_photos_are_added_one_by_one_and_taken_back(alice):  # noqa: F811
    turn = await does(alice, CLIP, text="order:change:photos")
    assert "В ролике 1 фото" in turn.chat.said[-1][0]
    for name in ("b", "c"):
        turn = await does(alice, **photo(name))
    assert "В ролике 3 фото" in turn.chat.said[-1][0]
    turn = await does(alice, text="order:resume", message_id=alice.data["screen"])
    assert drafts.order(DRAFT.of(alice), turn).photos == ("a", "b", "c")
    await does(alice, text="order:change:photos", message_id=alice.data["screen"])
    turn = await does(alice, text="order:photos:first", message_id=alice.data["screen"])
    assert drafts.order(DRAFT.of(alice), turn).photos == ()


async def test_a_model_is_given_all_photos_and_the_seller_told_what_for(alice, filmed):  # noqa: F811
    draft = drafts.replace(CLIP, photos=("a", "b"), wishes="")
    assert not drafts.is_filmed_here(draft)
    turn = await does(alice, draft, text="order:change:photos")
    assert "с других сторон, всего до 6" in turn.chat.said[-1][0]
    assert drafts.order(DRAFT.of(alice), turn).photos == ("a", "b")


async def test_music_is_chosen_and_said_before_paying(alice):  # noqa: F811
    turn = await does(alice, CLIP, text="order:template:ugc")
    assert "🎵 Музыка: Бодрая" in turn.chat.said[-1][0]
    turn = await does(alice, text="order:change:music", message_id=alice.data["screen"])
    labels = [button.label for row in turn.chat.said[-1][1] for button in row]
    assert labels[:4] == ["Бодрая", "Спокойная", "Энергичная", "Без музыки"]
    turn = await does(alice, text="order:music:none", message_id=alice.data["screen"])
    assert "🔇 Без музыки" in turn.chat.said[-1][0]
    order = drafts.order(DRAFT.of(alice), turn)
    assert (order.music, order.mood) == ("none", "")


def test_every_music_that_is_offered_can_be_played():
    from lib.drawing.clip import music

    assert set(orders.MUSIC) - {"none"} == set(music.MOODS)
