"""A stand-in of Neon's API: `api` is the API, `panel` what the simulator's page shows of it."""

from dev.neon.api import MAIN, PROJECT, LocalBranch, Neon, Refused
from dev.neon.panel import routes

__all__ = ["MAIN", "PROJECT", "LocalBranch", "Neon", "Refused", "routes"]
