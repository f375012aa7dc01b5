from tests.telegram.parlour import visits


async def handle(turn):
    visits.append(("cards", turn.came.text))
