"""The strip's buttons."""

from dataclasses import replace

from lib.drawing.card.strip import DrawnStrip
from lib.studio.strips import StripOrder
from lib.tasks import strip

WANTED = StripOrder("studio", 5, "ru", "wb", "Кружка", ("Держит тепло",), file_id="f")


def test_the_covers_of_a_finished_card_lead_back_to_it():
    drawn = DrawnStrip(b"", ("band", "panel"), 1, last=True)
    numbers, back = strip._keyboard(replace(WANTED, of_order=7), drawn)
    assert [button.data for button in numbers] == ["order:redesigned:7:band", "order:redesigned:7:panel"]
    assert [button.data for button in back] == ["history:open:7", "menu:home"]
