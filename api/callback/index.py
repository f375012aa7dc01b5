"""A generation provider reports that a task ended. Signed address; the body is never believed: it only moves a time."""

from lib import web
from lib.jobs import kick
from lib.studio import callbacks

BODY_LIMIT = 256 * 1024


async def callback(request: web.Request) -> web.Response:
    """Answer 200 at once, whether or not somebody waits; duplicates and late ones change nothing."""
    provider = web.last_segment(request)
    if not callbacks.reports(provider):  # the platform may show its own path here, and the name in the query
        provider = request.query_params.get("provider", "")
    body = await web.body(request, BODY_LIMIT)
    waits = await callbacks.take(provider, request.query_params, request.headers, body)
    return web.answer({"ok": True}, background=kick.render if waits else None)


app = web.app(callback, "POST")
