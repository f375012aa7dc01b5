from tests.telegram.parlour import visits


async def handle(turn):
    visits.append(("door", turn.came.text))
    turn.answered = True
    if turn.came.text == "door:open":
        turn.state.who["consent"] = True
