"""What the tests of all providers ask for, and odd things that a provider may answer."""

import asyncio

from lib.providers.contract import Ask, Output

CALLBACK = "http://127.0.0.1:9/api/callback/kie?job=1"
ODD = [
    None,
    True,
    -1,
    10**400,
    float("nan"),
    float("inf"),
    "",
    "\0",
    "\ud800",
    "x" * 1_000_000,
    [],
    ["\0"],
    {},
    {"a": []},
]


def ask(product, photo, **more):
    name, _, preset = product.partition(":")
    size = (1080, 1920) if name.startswith("video") else (1200, 1200) if preset == "white" else (1200, 1600)
    wanted = {"preset": preset or "wb", "scene": "studio", "template": "own", "seconds": 5, "title": "Кружка", **more}
    return Ask(
        more.pop("job_id", 7),
        name,
        "A mug on a table",
        photo,
        *size,
        **{k: v for k, v in wanted.items() if k != "job_id"},
    )


async def finished(provider, made):
    """Poll a ticket to its end and fetch the result; an instant provider's is there."""
    if isinstance(made, Output):
        return made
    async with asyncio.timeout(90):
        while True:
            [report] = await provider.poll([made])
            if report.state == "done":
                return await provider.collect(made, report)
            assert report.state in ("running", "unknown"), report
            await asyncio.sleep(0.02)
