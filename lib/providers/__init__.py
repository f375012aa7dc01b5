"""The table of the providers. Their promises are in contract; makers says which provider makes which product."""

import importlib
from datetime import timedelta
from typing import cast

from lib.providers.contract import Provider

PROVIDERS = {
    "kie": "lib.providers.kie",
    "openai": "lib.providers.openai",
    "local": "lib.providers.local",
}

# How many tasks may be begun within a span, of all workers together; above it KIE answers 429 and queues nothing.
RATES = {"kie": (20, timedelta(seconds=10))}

# Where results may be fetched from: these hosts and those below them.
RESULT_HOSTS = {
    "kie": ("aiquickdraw.com", "redpandaai.co", "kie.ai"),
    "openai": (),
}


def load(name: str) -> Provider:
    """Return a provider, imported now: what is heavy about it is paid by the job that needs it."""
    return cast(Provider, importlib.import_module(PROVIDERS[name]))
