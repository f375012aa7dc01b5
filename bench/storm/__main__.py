"""python -m bench.storm [seed]: a storm in a glass of water, a few seconds long, as `make check` runs it."""

import asyncio
import sys

from bench.results import Failed
from bench.storm.storm import Size, run

# A lease of twelve seconds: a busy machine may let a drainer wait for longer than the four of the long storm.
SHORT = Size(orders=400, people=20, drainers=2, pause=(0.15, 0.4), pace=60, patience=300, lease_scale=0.4)


def main(seed: str = "1") -> int:
    try:
        print(asyncio.run(run(int(seed), SHORT)))
    except Failed as reason:
        print(reason, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
