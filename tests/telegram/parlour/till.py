from tests.telegram.parlour import visits


async def handle(turn):
    visits.append(("till", turn.came.payment.payload))
