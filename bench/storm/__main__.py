"""python -m bench.storm [seed] [orders]: a storm in a glass of water, a few seconds long, as `make check` runs it."""

import asyncio
import sys
from dataclasses import replace

from bench.results import Failed
from bench.storm.storm import Size, run

# Leases as long as the product's: a busy machine may let a drainer wait for longer than those of the long storm.
SHORT = Size(people=20, readers=100, drainers=2, pause=(0.15, 0.4), pace=60, lease_scale=1)


def main(seed: str = "1", orders: str = "400") -> int:
    try:
        print(asyncio.run(run(int(seed), replace(SHORT, orders=int(orders)))))
    except Failed as reason:
        print(reason, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
