"""The common part of a shop's forms: how typed answers are read, and the sentences that all of them use."""

from collections.abc import Callable
from typing import Any

from lib import errors, money, typed
from lib.loyalty import partners
from lib.telegram import wizard
from lib.telegram.dispatch import Turn
from lib.telegram.wizard import Draft, Step

SENTENCES = wizard.FormSentences(
    goes_on="partner.apply.goes_on",
    use_buttons="partner.apply.use_buttons",
    words_only="partner.apply.words_only",
    afresh="partner.button.afresh",
)

CATEGORY = Step(
    "category",
    choices={one: one for one in partners.CATEGORIES},
    label=lambda turn, choice: turn.text(f"partner.category.{choice}"),
)


def category(turn: Turn, draft: Draft) -> str:
    """Return the chosen category in words, "" before there is one."""
    chosen = draft.get("category")
    return turn.text(f"partner.category.{chosen}") if chosen else ""


def label(key: str) -> Callable[[Turn, str], str]:
    """Return what is on a button: a sentence whose key ends in its choice."""
    return lambda turn, choice: turn.text(f"{key}{choice}")


def words(least: int, most: int) -> Callable[[str, Draft], Any]:
    """Return a check of how long words are."""

    def read(said: str, _: Draft) -> str:
        if not least <= len(said) <= most:
            raise errors.Invalid("too_short" if len(said) < least else "too_long", str(most))
        return said

    return read


def city(said: str, draft: Draft) -> str:
    """Return the name of a city as others write it."""
    return words(2, 60)(typed.city(said), draft)  # type: ignore[no-any-return]


def points(limit: int) -> Callable[[str, Draft], Any]:
    """Return how a number of points, or of anything else that is counted, is read."""
    return lambda said, _: money.parse_points(said, limit=limit)
