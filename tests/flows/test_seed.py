"""The demo: a café with its people, planted into the running stack."""

import pytest

from tests.flows.chat import Chat


@pytest.mark.long
async def test_the_demo_is_planted_once_and_its_people_can_use_it(shop):
    links = [(await shop.http.post("/sim/seed", timeout=60)).json() for _ in range(2)]
    assert links[0] == links[1]
    assert "start=p_" in links[0]["link"]
    gleb, boris = Chat(shop.http, "partner", {"id": 1004}), Chat(shop.http, "client", {"id": 1002})
    await gleb.says("/menu")
    await gleb.sees("Кофейня «Зерно» · владелец")
    await boris.says("/menu")
    await boris.sees("Кофейня «Зерно».*223 балла")
    rows = await shop.rows("select status from promotions where title = 'Двойные баллы всю неделю'")
    assert rows == [{"status": "pending"}]
