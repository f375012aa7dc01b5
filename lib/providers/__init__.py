"""The table of the providers. Their promises are in contract; makers says who makes which product."""

import importlib
from typing import cast

from lib import config
from lib.providers.contract import Provider

# Those that need a key stand in the order in which config names them; our own renderer needs none and is the last.
PROVIDERS = {name: f"lib.providers.{name}" for name in (*config.PROVIDERS, "local")}


def load(name: str) -> Provider:
    """Return a provider, imported now: our own renderer is heavy, and not every function contains it."""
    return cast(Provider, importlib.import_module(PROVIDERS[name]))
