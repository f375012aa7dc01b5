from tests.telegram.parlour import visits


async def handle(turn):
    visits.append(("hall", turn.came.text))
