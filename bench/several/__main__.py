"""python -m bench.several: a short course with a killed web process and a killed worker, as CI plays it."""

import asyncio
import sys

from bench import instances
from bench.results import Skipped
from bench.several.crowd import Size

SHORT = Size(readers=6, sellers=2, cashiers=2, seconds=15, pause=1)


def main() -> int:
    try:
        outcome = asyncio.run(instances.play(instances.SEVERAL, SHORT))
    except Skipped as reason:
        print(f"skipped: {reason}")
        return 0
    print(f"{len(outcome.passed)} updates, {outcome.ordered} orders, {outcome.given} times points: {outcome.wrong}")
    return 1 if outcome.wrong or not (outcome.ordered and outcome.given) else 0


if __name__ == "__main__":
    sys.exit(main())
