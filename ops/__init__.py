"""The commands that an operator runs by hand: python -m ops <verb>. A verb is a line here and a file of its name.

A verb's module has a docstring (the first line is its one sentence, the rest its help with examples),
`add_arguments(parser)` and `run(args) -> int`, plain or async, which returns the exit code.
"""

import argparse

VERBS = {
    "assess": "ops.neon.assess.verb",
    "audit": "ops.audit",
    "branch": "ops.neon.branch",
    "backup": "ops.backup",
    "bridge": "ops.bridge",
    "catalog": "ops.catalog",
    "copy": "ops.neon.copy",
    "credits": "ops.credits",
    "cutover": "ops.neon.cutover",
    "dashboard": "ops.dashboard",
    "doctor": "ops.doctor.verb",
    "import": "ops.imports",
    "jobs": "ops.jobs",
    "migrate": "ops.migrate",
    "providers": "ops.providers",
    "regions": "ops.regions.verb",
    "serve": "ops.serve",
    "rollback": "ops.neon.rollback",
    "setup": "ops.setup.verb",
    "texts": "ops.texts",
    "trace": "ops.trace",
    "verify": "ops.neon.verify",
    "warmup-cache": "ops.warmup_cache",
    "webhooks": "ops.webhooks",
}

# These act on an installation: where the shell names none, it is that of this folder's .env.production.
OF_AN_INSTALLATION = (
    *("audit", "backup", "catalog", "credits", "import", "jobs", "migrate", "providers", "regions", "trace"),
    *("warmup-cache", "webhooks"),
)


def whole(text: str) -> int:
    """Read a whole number that the database's integers can hold, as prices, amounts and limits are."""
    return _bounded(text, 31)


def identity(text: str) -> int:
    """Read the number of a person, a job or a payment."""
    return _bounded(text, 63)


def _bounded(text: str, bits: int) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if abs(number) >= 2**bits:
        raise argparse.ArgumentTypeError(f"{text} is too large")
    return number
