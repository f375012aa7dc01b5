"""The buttons below a finished order are those that do something for it."""

import pytest

from lib import text
from lib.studio import after, mends
from tests.studio.test_mends import BATCH, CARD, PART, job

MADE = {"item0": {"by": "local:1", "files": {}}}
PLACE = {"bot": "studio", "chat_id": 1, "message_id": 1, "language": "ru", "file_id": "a"}


@pytest.mark.parametrize(
    ("changes", "actions"),
    [
        ({}, "reword redesign again variant format video recut listing"),
        ({"checkpoint": {"item0": {"by": "kie:nano"}}}, "again variant format video listing"),
        ({"args": CARD | {"preset": "clear", "title": ""}}, "again format video recut"),
        (
            {"task": "background", "args": {"product": "background", "scene": "wood"}},
            "again variant format video recut",
        ),
        ({"task": "video", "args": {"product": "video5", "template": "own"}}, "again variant format"),
        ({"args": BATCH, "checkpoint": PART}, "again variant format listing"),
    ],
    ids=str,
)
@pytest.mark.parametrize("language", text.LANGUAGES)
def test_a_result_has_the_buttons_of_what_can_be_made_of_it(language, changes, actions):
    facts = {"checkpoint": MADE} | changes
    made = job(**facts | {"args": PLACE | facts.get("args", CARD)})
    rows = after.rows(language, made)
    assert [button.data for row in rows for button in row] == [f"order:{action}:9" for action in actions.split()]
    assert all(row for row in rows)
    assert after.bad(language, made).data == "order:bad:9"
    assert mends.bears_words(made) is actions.startswith("reword")
