"""A short storm: a kill, a crash, cut connections, Redis away, moved clocks. The long one is `make chaos`."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.sizes import size


@pytest.mark.long
def test_a_storm_loses_nothing_and_doubles_nothing():
    done = subprocess.run(
        [sys.executable, "-m", "bench.storm", "7", str(size(150, 400))],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    assert "found by the audit: 0" in done.stdout
