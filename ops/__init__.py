"""What an operator or developer runs by hand: python -m ops <verb>. A verb is a line here and a file of its name.

A verb's module has a docstring (the first line is its one sentence, the rest its help with examples),
`add_arguments(parser)` and `run(args) -> int`, plain or async, which returns the exit code.
"""

VERBS = {
    "audit": "ops.audit",
    "catalog": "ops.catalog",
    "credits": "ops.credits",
    "jobs": "ops.jobs",
    "migrate": "ops.migrate",
    "providers": "ops.providers",
    "texts": "ops.texts",
    "warmup-cache": "ops.warmup_cache",
    "webhooks": "ops.webhooks",
}
