"""Two regions with their own Postgres, Redis and processes: a shop moves under load, and one region goes down."""

import json
import subprocess
import sys

import pytest

from dev.stack import ROOT

COURSE = """
import asyncio, json
from bench import regions
size = regions.Size(people=8, cashiers=2, seconds=6)
print(json.dumps(vars(asyncio.run(regions.play(size)))))
"""


@pytest.mark.long
def test_a_shop_moves_under_load_and_a_region_that_is_down_stops_nobody_else():
    done = subprocess.run([sys.executable, "-c", COURSE], cwd=ROOT, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    outcome = json.loads(done.stdout.splitlines()[-1])
    assert outcome["wrong"] == []
    assert outcome["receipts"] > 4
