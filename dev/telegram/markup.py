"""Text with entities as Telegram keeps it: HTML in, UTF-16 offsets out, and safe HTML for the page back again.

The rules and the words of the errors follow TDLib's parse_html.
"""

import html
import itertools
import re
from typing import Any

from dev.telegram.records import Json, Refused

TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "span": "spoiler",
    "tg-spoiler": "spoiler",
    "a": "text_link",
    "tg-emoji": "custom_emoji",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
ENTITY = re.compile(r"&(?:#(\d{1,8})|#[xX]([0-9a-fA-F]{1,7})|(lt|gt|amp|quot));?")
ATTRIBUTE = re.compile(r"""([a-zA-Z-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([a-zA-Z0-9.\-]+)))?\s*""")
FOUND = [
    ("bot_command", re.compile(r"(?<![\w/@.])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z]\w{3,31})?(?![\w/])")),
    ("url", re.compile(r"(?<!\w)(?:https?://|t\.me/)[^\s<>\"]+[^\s<>\".,;:!?)]")),
    ("email", re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}")),
    ("mention", re.compile(r"(?<![\w@./])@[A-Za-z]\w{3,31}\b")),
    ("hashtag", re.compile(r"(?<![\w#&])#\w*[^\W\d]\w*")),
]
BARE = re.compile(r"[\w-]+(\.[\w-]+)+(:\d+)?([/?#]|$)")  # an address without its scheme
SOLID = {"code", "pre", "text_link"}  # nothing is looked for inside these
OPEN = {
    "bold": "<b>",
    "italic": "<i>",
    "underline": "<u>",
    "strikethrough": "<s>",
    "code": "<code>",
    "pre": "<pre>",
    "blockquote": "<blockquote>",
    "expandable_blockquote": "<blockquote expandable>",
}


def units(text: str) -> int:
    """Return the length in UTF-16 units, as all of Telegram's offsets count."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parse(text: str, mode: str | None, entities: list[Json] | None) -> tuple[str, list[Json]]:
    """Return the plain text and its entities; raise Refused with Telegram's words when it cannot be parsed."""
    if mode and mode.lower() != "html":
        raise Refused(400, "Bad Request: unsupported parse_mode")
    plain, found = _parse_html(text) if mode else (text, list(entities or []))
    plain, found = _trim(plain, found)
    return plain, detect(plain, found)


def detect(text: str, entities: list[Json] | None = None) -> list[Json]:
    """Add the entities that Telegram finds by itself: commands, addresses, mentions, hashtags."""
    known = list(entities or [])
    taken = [(one["offset"], one["offset"] + one["length"]) for one in known if one["type"] in SOLID]
    for kind, pattern in FOUND:
        for match in pattern.finditer(text):
            start, end = units(text[: match.start()]), units(text[: match.end()])
            if all(end <= left or start >= right for left, right in taken):
                taken.append((start, end))
                known.append({"type": kind, "offset": start, "length": end - start})
    return sorted(known, key=lambda one: (one["offset"], -one["length"]))


def safe_html(text: str, entities: list[Json]) -> str:
    """Return HTML that shows the text; nothing of what a user or bot wrote becomes markup by itself."""
    marks = {0, units(text)} | {one["offset"] for one in entities} | {one["offset"] + one["length"] for one in entities}
    wide = text.encode("utf-16-le")
    out: list[str] = []
    opened: list[Json] = []
    for start, end in itertools.pairwise(sorted(marks)):
        wanted = [one for one in entities if one["offset"] <= start and one["offset"] + one["length"] >= end]
        while opened != wanted[: len(opened)]:
            closed = opened.pop()
            out.append(_close(closed, _slice(wide, closed)))
        for one in wanted[len(opened) :]:
            out.append(_open(one, _slice(wide, one)))
            opened.append(one)
        out.append(html.escape(wide[start * 2 : end * 2].decode("utf-16-le", "replace")))
    out.extend(_close(one, _slice(wide, one)) for one in reversed(opened))
    return "".join(out)


def _slice(wide: bytes, entity: Json) -> str:
    return wide[entity["offset"] * 2 : (entity["offset"] + entity["length"]) * 2].decode("utf-16-le", "replace")


def _open(entity: Json, text: str) -> str:
    kind = entity["type"]
    if kind == "spoiler":
        return '<span class="tg-spoiler">'
    if kind == "bot_command":
        return f'<span class="tg-command" data-command="{html.escape(text)}">'
    if kind in ("text_link", "url"):
        url = str(entity.get("url", text))
        url = f"https://{url}" if BARE.match(url) else url
        if re.match(r"(https?|tg)://", url):
            return f'<a href="{html.escape(url)}" target="_blank" rel="noopener noreferrer">'
    return OPEN.get(kind, f'<span class="tg-{re.sub(r"[^a-z_]", "", kind)}">')


def _close(entity: Json, text: str) -> str:
    return "</" + re.split(r"[ >]", _open(entity, text)[1:])[0] + ">"


def _trim(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Cut white space at both ends, as Telegram does, and move the entities along."""
    body = text.strip()
    lead, total = units(text[: len(text) - len(text.lstrip())]) if body else 0, units(body)
    moved = []
    for one in entities:
        start = max(one["offset"] - lead, 0)
        length = min(one["offset"] + one["length"] - lead, total) - start
        if length > 0:
            moved.append({**one, "offset": start, "length": length})
    return body, moved


class _Parser:
    """One pass over the source; errors name the byte where it went wrong."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.text: list[str] = []
        self.length = 0
        self.open: list[tuple[str, int, dict[str, str]]] = []
        self.entities: list[Json] = []

    def fail(self, why: str, at: int | None = None) -> Refused:
        where = "" if at is None else f" at byte offset {len(self.source[:at].encode())}"
        return Refused(400, f"Bad Request: can't parse entities: {why.replace('@', where, 1)}")

    def add(self, text: str) -> None:
        self.text.append(text)
        self.length += units(text)

    def run(self) -> tuple[str, list[Json]]:
        while self.at < len(self.source):
            if self.source[self.at] == "<":
                self.tag()
            else:
                self.words()
        if self.open:
            raise self.fail(f'Can\'t find end tag corresponding to start tag "{self.open[-1][0]}"')
        self.entities.sort(key=lambda one: (one["offset"], -one["length"]))
        return "".join(self.text), self.entities

    def words(self) -> None:
        entity = ENTITY.match(self.source, self.at) if self.source[self.at] == "&" else None
        if entity:
            self.add(_char(entity))
            self.at = entity.end()
            return
        match = re.compile(r".[^<&]*", re.DOTALL).match(self.source, self.at)
        self.add(match.group() if match else "")
        self.at = match.end() if match else len(self.source)

    def tag(self) -> None:
        begin, end = self.at, self.source.find(">", self.at)
        closing = self.source.startswith("</", begin)
        if end < 0:
            raise self.fail(f"Unclosed {'end' if closing else 'start'} tag@", begin)
        inside = self.source[begin + 1 + closing : end]
        self.at = end + 1
        if closing:
            self.close(inside.strip().lower(), begin)
        else:
            self.start(inside, begin)

    def start(self, inside: str, begin: int) -> None:
        name, _, rest = inside.partition(" ")
        name = name.strip().lower()
        if name not in TAGS:
            raise self.fail(f'Unsupported start tag "{name}"@', begin)
        values = {m[1].lower(): html.unescape(m[2] or m[3] or m[4] or "") for m in ATTRIBUTE.finditer(rest)}
        if name == "span" and values.get("class") != "tg-spoiler":
            raise self.fail('Tag "span" must have class "tg-spoiler"@', begin)
        self.open.append((name, self.length, values))

    def close(self, name: str, begin: int) -> None:
        if not self.open:
            raise self.fail("Unexpected end tag@", begin)
        expected, start, values = self.open.pop()
        if name and name != expected:
            raise self.fail(f'Unmatched end tag@, expected "</{expected}>", found "</{name}>"', begin)
        if self.length > start:
            self.keep(expected, start, values)

    def keep(self, name: str, start: int, values: dict[str, str]) -> None:
        entity: dict[str, Any] = {"type": TAGS[name], "offset": start, "length": self.length - start}
        if name == "a":
            entity["url"] = values.get("href") or "".join(self.text).encode("utf-16-le")[start * 2 :].decode(
                "utf-16-le"
            )
            if not (BARE.match(entity["url"]) or re.match(r"(https?|tg)://.|mailto:.", entity["url"])):
                return  # Telegram drops a link that leads nowhere and keeps its words
        if name == "tg-emoji":
            entity["custom_emoji_id"] = values.get("emoji-id", "")
        if name == "blockquote" and "expandable" in values:
            entity["type"] = "expandable_blockquote"
        language = values.get("class", "").removeprefix("language-")
        if name == "code" and language and self.open and self.open[-1][:2] == ("pre", start):
            self.open[-1][2]["language"] = language
            return
        if name == "pre" and "language" in values:
            entity["language"] = values["language"]
        self.entities.append(entity)


def _char(match: re.Match[str]) -> str:
    decimal, hexadecimal, name = match.groups()
    if name:
        return {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}[name]
    code = int(decimal) if decimal else int(hexadecimal, 16)
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else match.group()


def _parse_html(source: str) -> tuple[str, list[Json]]:
    return _Parser(source).run()
