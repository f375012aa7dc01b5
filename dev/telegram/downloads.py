"""Files of the chats and the sample photos, served so that nothing in them can run in the page."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from dev.telegram import media
from dev.telegram.records import CannotAct, Json
from dev.telegram.world import World

SAFE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif", "video/mp4", "audio/ogg")
SAMPLES = Path(__file__).resolve().parents[1] / "samples"
PICTURES = (".jpg", ".jpeg", ".png", ".webp")
HEADERS = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}


async def file(world: World, request: Request) -> Response:
    """Serve a file's bytes, a range of them when asked."""
    try:
        record, data = world.files.open(request.path_params["file_id"])
    except KeyError:
        raise CannotAct("no_such_file", "There is no such file.", 404) from None
    headers = {**HEADERS, "Cache-Control": "private, max-age=31536000, immutable", "Accept-Ranges": "bytes"}
    if record.mime not in SAFE_TYPES:
        headers["Content-Disposition"] = "attachment"
    start, end = _range(request.headers.get("range", ""), len(data))
    if end:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
        return Response(data[start:end], 206, headers, record.mime)
    return Response(data, 200, headers, record.mime or "application/octet-stream")


async def samples(world: World, request: Request) -> list[Json]:
    """List the sample photos that come with the repository."""
    found = sorted(one.name for one in SAMPLES.glob("*") if one.suffix.lower() in PICTURES)
    return [{"name": name.rpartition(".")[0], "url": f"/sim/samples/{name}"} for name in found]


async def sample(world: World, request: Request) -> Response:
    name = request.path_params["name"]
    if name not in {one.name for one in SAMPLES.glob("*")}:
        raise CannotAct("no_such_sample", f"There is no sample {name}.", 404)
    return FileResponse(SAMPLES / name, headers=HEADERS, media_type=media.sniff(b"", name))


def _range(header: str, size: int) -> tuple[int, int]:
    """Return start and end of a single byte range, zeros when there is none to obey."""
    first, dash, last = header.removeprefix("bytes=").partition("-")
    if not header.startswith("bytes=") or not dash or not first.isdigit() or not (last.isdigit() or not last):
        return 0, 0
    end = min(int(last) + 1 if last else size, size)
    return (int(first), end) if int(first) < end else (0, 0)
