"""Stand-ins for the generation providers: real HTTP, real pictures, no account. Each provider's module holds

SECRETS   the settings that hold its keys, each with the number of keys that the stand-in takes
settings  the settings that lead the product to the stand-in at an address
stand_in  the service as an ASGI app, given the secrets and the seconds of a picture
"""

import importlib
from collections.abc import Mapping
from typing import Any

from starlette.routing import Route

from lib import config

MODULES = {name: importlib.import_module(f"dev.generation.{name}") for name in config.PROVIDERS}
SECRETS: dict[str, int] = {name: many for module in MODULES.values() for name, many in module.SECRETS.items()}

type StandIns = dict[str, Any]  # by provider; each has its own ways to be looked into, and `faults` and `close`


def stand_ins(secrets: Mapping[str, str], *, seconds: float, light: bool = False) -> StandIns:
    """Return the stand-in of each provider that needs a key; with `light` the results are small."""
    return {name: module.stand_in(secrets, seconds=seconds, light=light) for name, module in MODULES.items()}


def routes(services: StandIns) -> list[Route]:
    """Return where the stand-ins are on a page: each below its own name."""
    return [Route(f"/{name}{{path:path}}", service) for name, service in services.items()]


def settings(page: str) -> dict[str, str]:
    """Return the settings that lead the product to the stand-ins on a page."""
    return {key: value for name, module in MODULES.items() for key, value in module.settings(f"{page}/{name}").items()}
