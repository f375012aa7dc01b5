"""The figures of this deployment for Prometheus, answered from Redis: Postgres sleeps on. Bearer METRICS_TOKEN."""

from lib import config, web
from lib.reach import metrics


async def scrape(request: web.Request) -> web.Response:
    """Answer with all figures as text; 503 without Redis."""
    web.require_bearer(request, config.get().metrics_token)
    return web.Response(await metrics.scrape(), media_type=None, headers={"Content-Type": metrics.TYPE})


app = web.app(scrape, "GET")
