"""The status message of an order that is under way: what it says, and when it moves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from lib import errors
from lib.drawing.clip import video
from lib.drawing.clip.wanted import Video
from lib.providers import local
from lib.providers.contract import Offer, OwnStyle
from lib.studio import spending
from lib.studio.items import Item
from lib.tasks.order import asking
from lib.tasks.order import desk as desks
from tests.providers.asked import ask

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ARGS = {"bot": "studio", "chat_id": 1, "message_id": 2, "language": "ru", "file_id": "f", "promised": 50}


@pytest.fixture
def desk():
    """An order that was promised in 50 seconds; `said` holds what its status message was edited to."""
    run = SimpleNamespace(job=SimpleNamespace(id=7, args=ARGS), checkpoint={}, now=NOW)
    made = desks.Desk(run)
    made.said = []

    async def edit(message_id, words, keyboard):
        made.said.append(words)

    made.chat.edit = edit
    return made


def begun(desk, *, ago: float, shown_ago: float) -> None:
    now = NOW.timestamp()
    desk.run.checkpoint.update(begun_at=now - ago, shown="making.generating", percent=None, shown_at=now - shown_ago)


async def test_a_status_that_has_just_moved_stands(desk):
    begun(desk, ago=20, shown_ago=20)
    await desk.stir()
    assert desk.said == []


async def test_a_status_that_stood_still_moves_with_the_time(desk):
    begun(desk, ago=64, shown_ago=30)
    await desk.stir()
    assert desk.said == ["🎨 Рисую…\nУже 64 секунды."]


async def test_after_twice_the_promise_the_seller_reads_that_it_takes_longer(desk):
    begun(desk, ago=130, shown_ago=30)
    await desk.stir()
    assert desk.said == [
        "🎨 Рисую…\nДольше обычного: уже 2 минуты. Ничего делать не нужно — пришлю, как только будет готово."
    ]


async def test_how_far_it_is_stays_when_the_status_moves(desk):
    begun(desk, ago=40, shown_ago=30)
    desk.run.checkpoint["percent"] = 33
    await desk.stir()
    assert desk.said == ["🎨 Рисую…\nСделано: 33\u00a0%.\nУже 40 секунд."]


async def test_what_a_status_names_is_named_again_with_the_progress(desk):
    begun(desk, ago=40, shown_ago=10)
    desk.run.checkpoint.update(shown="making.waits", fields={"cause": "Нейросеть занята."})
    await desk.stir(50)
    assert "Нейросеть занята." in desk.said[0]
    assert "Сделано" in desk.said[0]


@pytest.fixture
def halted(monkeypatch):
    """Let every provider rest for a cause."""

    def halt(cause):
        async def doors(desk, item, offers):
            return [spending.Door(cause, []) for _ in offers]

        monkeypatch.setattr(asking, "_doors", doors)

    return halt


def waits(desk, age, maker):
    desk.order = replace(desk.order, maker=maker)
    desk.run.age = age
    return asking.choose(desk, Item(0, since=0.0))


@pytest.mark.parametrize(
    ("maker", "most", "code"),
    [("", timedelta(hours=1), "provider_down"), ("model", timedelta(days=1), "model_away")],
)
async def test_the_wait_for_a_maker_ends_in_a_refusal_that_names_why(desk, halted, monkeypatch, maker, most, code):
    monkeypatch.setattr(asking, "_chain", lambda desk: (Offer("kie", "m"),))
    halted("down")
    again = await waits(desk, most, maker)
    assert isinstance(again, datetime)
    assert desk.said
    with pytest.raises(errors.Rejected, match=f"{code}: down"):
        await waits(desk, most + timedelta(seconds=1), maker)


@pytest.mark.parametrize(
    ("design", "led", "preset", "variant", "asked"),
    [
        ("band", "", "wb", 0, [("band", "framed"), ("band", "framed")]),
        ("band", "", "wb", 1, [("panel", "framed"), ("panel", "framed")]),
        ("band", "", "white", 0, [("band", "wide"), ("band", "")]),
        ("split", "dark", "wb", 0, [("split", "wide"), ("split", "")]),
        ("", "", "wb", 0, [("bleed", "wide"), ("bleed", "")]),
        ("", "dark", "wb", 0, [("dark", "wide"), ("dark", "")]),
        ("", "band", "wb", 0, [("band", "framed"), ("band", "framed")]),
    ],
)
async def test_all_photos_of_a_batch_are_shown_on_the_cover_that_was_chosen_or_shown_first(
    desk, monkeypatch, design, led, preset, variant, asked
):
    async def nothing(*_):
        return b""

    for name in ("_picture", "_own", "_cut"):
        monkeypatch.setattr(asking, name, nothing)
    monkeypatch.setattr(asking.source, "others", nothing)
    batch = {"product": "batch", "count": 2, "photos": ("a", "b"), "way": "wide"}
    desk.order = replace(desk.order, **batch, design=design, preset=preset, variant=variant)
    desk.run.checkpoint["led"] = led
    offer = Offer("local", "card")
    made = [await asking.ask(desk, Item(number), asking.Choice(offer, offer, "")) for number in range(2)]
    assert [(one.design, one.way) for one in made] == asked


@pytest.mark.parametrize(
    ("product", "preset", "provider", "bears"),
    [
        ("card", "wb", "local", True),
        ("card", "white", "local", False),
        ("card", "clear", "local", False),
        ("background", "", "local", False),
        ("video5", "", "local", True),
        ("video10", "", "kie", False),
    ],
)
async def test_what_we_draw_with_words_and_what_we_film_bears_the_sellers_style(
    desk, monkeypatch, product, preset, provider, bears
):
    style = OwnStyle(accent="#d81f2a")

    async def own(user_id):
        return style

    monkeypatch.setattr(asking.brands, "own", own)
    desk.run.job.user_id = 5
    desk.order = replace(desk.order, product=product, preset=preset or desk.order.preset)
    assert (await asking._own(desk, Offer(provider, "m")) == style) is bears
    assert bears or await asking._own(desk, Offer(provider, "m")) == OwnStyle()


async def test_our_own_film_is_asked_for_in_the_sellers_style(monkeypatch):
    wanted = []

    def filmed(photo, order, kept):
        wanted.append(order)
        return Video(b"", b"", 1080, 1920, 5, "")

    monkeypatch.setattr(video, "render_video", filmed)
    local._video(ask("video5", b"", own=OwnStyle(accent="#d81f2a", pair="rubik")))
    assert (wanted[0].own.accent, wanted[0].own.pair) == ((216, 31, 42), "rubik")
