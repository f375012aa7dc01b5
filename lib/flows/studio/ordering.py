"""The order under way, as the other flows of the studio need it."""

from lib.telegram.dispatch import Turn


def listen(turn: Turn) -> None:
    """Let the next text belong to the order: a person who looks at another screen no longer answers the question."""
    if turn.state.step.partition(":")[0] != "order":
        turn.state.step = "order:words" if turn.state.data.get("draft") else "order:photo"


def counted(turn: Turn, product: str, count: int) -> str:
    """Return how many are ordered, in words: 3 clips, 2 variants."""
    return turn.text("studio.count.video" if product.startswith("video") else "studio.count.still", n=count)
