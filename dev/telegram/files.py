"""Telegram's files: bytes stored once, an id of its own for each bot, one unique id shared by all.

A file id of one bot means nothing to another, as in Telegram. A photo is a group of files, one for each size.
"""

import asyncio
import base64
import hashlib
import secrets
from dataclasses import asdict, dataclass, field
from typing import Any

from dev.telegram import media
from dev.telegram.records import Bot, Json, Refused
from dev.telegram.store import Store

PREFIX = {"photo": "AgACAgIAAxkB", "thumbnail": "AAMCAgADGQEA"}
FOLDER = {"photo": "photos", "video": "videos", "voice": "voice", "sticker": "stickers", "thumbnail": "thumbnails"}
PHOTO_LIMIT = 10 * 1024 * 1024
DOWNLOAD_LIMIT = 20 * 1024 * 1024
LINK_SECONDS = 3600


@dataclass
class File:
    """A stored file: what its message says about it, and where it came from."""

    unique_id: str
    kind: str
    number: int
    size: int
    mime: str = ""
    name: str = ""
    width: int = 0
    height: int = 0
    duration: int = 0
    user_id: int = 0
    group: list[str] = field(default_factory=list)
    thumbnail: str = ""

    @property
    def path(self) -> str:
        extension = self.name[self.name.rfind(".") :].lower() if "." in self.name else ""
        return f"{FOLDER.get(self.kind, 'documents')}/file_{self.number}{extension}"


class Files:
    """All files of the simulated Telegram."""

    def __init__(self, store: Store, bots: dict[str, Bot]) -> None:
        self._store = store
        self._bots = bots
        self._files: dict[str, File] = {}
        self._ids: dict[str, tuple[str, str]] = {}
        self._links: dict[tuple[str, str], tuple[str, float]] = {}
        for doc in store.all("file"):
            self._remember(File(**doc))

    async def photo(self, data: bytes, user_id: int) -> list[File]:
        """Store a picture as the sizes of a photo; raise Undecodable for anything else."""
        sizes = await asyncio.to_thread(media.photo_sizes, data)
        files = [
            self._new("photo", one.data, "image/jpeg", "photo.jpg", user_id, width=one.width, height=one.height)
            for one in sizes
        ]
        for file in files:
            file.group = [one.unique_id for one in files]
            self._keep(file)
        return files

    async def document(self, data: bytes, name: str, declared: str, user_id: int) -> File:
        """Store a file as it is; a picture among them gets a thumbnail."""
        mime = media.sniff(data, name, declared)
        file = self._new("document", data, mime, name, user_id)
        small = await asyncio.to_thread(media.thumbnail, data) if mime.startswith("image/") else None
        if small:
            made = self._new(
                "thumbnail", small.data, "image/jpeg", "t.jpg", user_id, width=small.width, height=small.height
            )
            file.thumbnail = made.unique_id
            self._keep(file)
        return file

    def other(self, kind: str, data: bytes, name: str, user_id: int, **facts: Any) -> File:
        """Store a video, voice or sticker."""
        mime = {"voice": "audio/ogg", "sticker": "image/webp"}.get(kind) or media.sniff(data, name)
        return self._new(kind, data, mime, name, user_id, **facts)

    def file_id(self, bot: Bot, file: File) -> str:
        digest = hashlib.sha256(f"{bot.account.id}:{file.unique_id}".encode()).digest()
        return PREFIX.get(file.kind, "BQACAgIAAxkB") + base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def find(self, bot: Bot, file_id: str) -> File:
        """Return the file behind a bot's own file id; raise Refused for another bot's or a wrong one."""
        owner, unique = self._ids.get(file_id, ("", ""))
        if not owner:
            raise Refused(400, "Bad Request: wrong remote file identifier specified: Wrong string length")
        if owner != bot.name:
            raise Refused(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        return self._files[unique]

    def open(self, file_id: str) -> tuple[File, bytes]:
        """Return any bot's file for the page; raise KeyError when there is none."""
        file = self._files[self._ids[file_id][1]]
        return file, self._store.blob(file.unique_id)

    def group(self, file: File) -> list[File]:
        """Return all sizes of the photo that a file is one size of."""
        return [self._files[one] for one in file.group] or [file]

    def link(self, bot: Bot, file: File, now: float) -> Json:
        """Answer getFile: the file may be fetched by its path for an hour."""
        if file.size > DOWNLOAD_LIMIT:
            raise Refused(400, "Bad Request: file is too big")
        self._links[(bot.name, file.path)] = (file.unique_id, now + LINK_SECONDS)
        return {**self._ids_of(bot, file), "file_size": file.size, "file_path": file.path}

    def linked(self, bot: Bot, path: str, now: float) -> tuple[File, bytes] | None:
        """Return the bytes behind a path that getFile gave to this bot within the hour."""
        unique, until = self._links.get((bot.name, path), ("", 0.0))
        return (self._files[unique], self._store.blob(unique)) if unique and now < until else None

    def photo_json(self, bot: Bot, file: File) -> list[Json]:
        return [self._sized(bot, one) for one in self.group(file)]

    def file_json(self, bot: Bot, file: File) -> Json:
        """Return a Document, Video, Voice or Sticker."""
        facts = {"file_name": file.name, "mime_type": file.mime, "file_size": file.size}
        if file.kind == "sticker":
            shape = {"type": "regular", "width": file.width, "height": file.height}
            return {**self._ids_of(bot, file), **shape, "is_animated": False, "is_video": False, "file_size": file.size}
        if file.kind == "voice":
            return {
                **self._ids_of(bot, file),
                "duration": file.duration,
                "mime_type": file.mime,
                "file_size": file.size,
            }
        if file.kind == "video":
            facts |= {"width": file.width, "height": file.height, "duration": file.duration}
        if file.thumbnail:
            facts["thumbnail"] = self._sized(bot, self._files[file.thumbnail])
        return {**self._ids_of(bot, file), **facts}

    def _sized(self, bot: Bot, file: File) -> Json:
        return {**self._ids_of(bot, file), "file_size": file.size, "width": file.width, "height": file.height}

    def _ids_of(self, bot: Bot, file: File) -> Json:
        return {"file_id": self.file_id(bot, file), "file_unique_id": file.unique_id}

    def _new(self, kind: str, data: bytes, mime: str, name: str, user_id: int, **facts: Any) -> File:
        unique = "AQAD" + secrets.token_urlsafe(9)
        file = File(unique, kind, len(self._files), len(data), mime, name, user_id=user_id, **facts)
        self._store.put_blob(unique, data)
        self._keep(file)
        return file

    def _keep(self, file: File) -> None:
        self._store.put("file", file.unique_id, asdict(file))
        self._remember(file)

    def _remember(self, file: File) -> None:
        self._files[file.unique_id] = file
        for bot in self._bots.values():
            self._ids[self.file_id(bot, file)] = (bot.name, file.unique_id)
