"""What a model may use for one answer: the search, promotions, the client's own points, a draft of an order, a person.

Shop and client come from the job and never from arguments; an argument that is not known is an error. Nothing is
written but the draft, which only the client's press makes an order of, and the wish for a person. A tool answers with
references: the figures themselves are kept here and put in by code.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lib import db, errors, text
from lib.assistant import guards, prompt, requests
from lib.assistant.fitting import AskedLimits
from lib.assistant.model import ToolCall
from lib.loyalty import members, offers
from lib.menu.goods import MenuItem
from lib.menu.index import Index
from lib.menu.versions import OpenShop

HITS = 8
PROMOTIONS = 5
CALLS = 8  # of one answer; who asks for more has lost the thread


def _tool(name: str, about: str, required: tuple[str, ...] = (), **fields: Any) -> dict[str, Any]:
    form = {"type": "object", "properties": fields, "required": list(required), "additionalProperties": False}
    return {"type": "function", "function": {"name": name, "description": about, "parameters": form}}


_LINE = {
    "type": "object",
    "properties": {
        "item": {"type": "string", "description": "reference, without braces"},
        "size": {"type": "string"},
        "quantity": {"type": "integer"},
    },
    "required": ["item", "quantity"],
}
OFFERED = (
    _tool("promotions", "The promotions of the shop today."),
    _tool("my_points", "How many points the client has here."),
    _tool(
        "draft_order",
        "Put together what the client wants; they check and send it themselves.",
        ("lines",),
        lines={"type": "array", "items": _LINE},
    ),
    _tool("call_person", "Ask a person of the staff into the chat.", ("reason",), reason={"type": "string"}),
)
SEARCH = (
    _tool("search_menu", "Find items of the menu.", ("query",), query={"type": "string"}),
    _tool("item", "One item of the menu by its reference.", ("id",), id={"type": "string"}),
)
NAMES = tuple(one["function"]["name"] for one in (*OFFERED, *SEARCH) if "_" in one["function"]["name"])


@dataclass
class Toolbox:
    """The tools for one answer, and what came of them: figures by reference, whether a person is wanted."""

    shop: OpenShop
    index: Index
    items: Mapping[str, MenuItem]
    user_id: int
    language: str
    at: datetime
    limits: AskedLimits = field(default_factory=AskedLimits)
    figures: dict[str, str] = field(default_factory=dict)
    person: str = ""
    drafted: bool = False
    _known: dict[str, str] = field(default_factory=dict)

    @property
    def offered(self) -> list[dict[str, Any]]:
        """The tools as a model is told of them; the search only for a menu that is not told as a whole."""
        return [*OFFERED, *(SEARCH if len(self.items) > prompt.WHOLE else ())]

    async def use(self, call: ToolCall) -> str:
        """Return what a tool answers, as JSON; the same question is answered once."""
        key = json.dumps([call.name, call.arguments], sort_keys=True)
        if key not in self._known and len(self._known) >= CALLS:
            return json.dumps({"error": "no more calls"})
        if key not in self._known:
            self._known[key] = json.dumps(await self._answer(call), ensure_ascii=False)
        return self._known[key]

    async def _answer(self, call: ToolCall) -> dict[str, Any]:
        tool, given = _TOOLS.get(call.name), call.arguments
        schema = next(
            (one["function"]["parameters"] for one in self.offered if one["function"]["name"] == call.name), None
        )
        if tool is None or schema is None:
            return {"error": "no such tool"}
        if given is None or given.keys() - schema["properties"].keys() or set(schema["required"]) - given.keys():
            return {"error": "other arguments are expected"}
        try:
            return await tool(self, given)
        except (errors.Invalid, errors.Denied, errors.Missing, errors.Conflict) as refusal:
            return {"error": refusal.code}

    def hits(self, query: str) -> list[str]:
        """Return the references of the items that the search finds and that keep to the limits of the question."""
        codes = {id(item): code for code, item in self.items.items()}
        found = [one for one in self.index.ask(query).items if self.limits.kept(one.item, one.variants)]
        return [codes[id(one.item)] for one in found[:HITS] if id(one.item) in codes]

    async def _search(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"items": [json.loads(prompt.row(code, self.items[code])) for code in self.hits(str(given["query"]))]}

    async def _item(self, given: dict[str, Any]) -> dict[str, Any]:
        code = str(given["id"]).strip("{} ").lower()
        return {"item": json.loads(prompt.row(code, self.items[code]))} if code in self.items else {"error": "no_item"}

    async def _promotions(self, given: dict[str, Any]) -> dict[str, Any]:
        today = self.at.date()
        found = await db.run(
            lambda conn: offers.browse_promotions(conn, today=today, partner_id=self.shop.id, limit=PROMOTIONS)
        )
        told = []
        for place, one in enumerate(found, 1):
            words = guards.without_links(f"{one.title}. {one.about}".strip(), [self.shop.contact])
            if not guards.is_forbidden(words):
                self.figures[f"promo{place}"] = words
                told.append({"reference": f"{{promo{place}}}", "until": one.ends_on.isoformat()})
        return {"promotions": told}

    async def _points(self, given: dict[str, Any]) -> dict[str, Any]:
        cards = await db.run(lambda conn: members.cards(conn, self.user_id))
        own = next((one for one in cards if one.partner_id == self.shop.id), None)
        if own is None:
            return {"points": "the client has no card of this shop"}
        self.figures["points"] = text.plain(text.say(self.language, "client.answer.points", points=own.available))
        return {"points": "{points}"}

    async def _draft(self, given: dict[str, Any]) -> dict[str, Any]:
        lines = [self._line(one) for one in given["lines"][:20]] if isinstance(given["lines"], list) else []
        if not lines or None in lines:
            return {"error": "lines are [{item, size, quantity}] with references of the menu"}
        wanted = [one for one in lines if one is not None]
        made = await db.run(lambda conn: requests.draft(conn, self.shop.id, self.user_id, wanted))
        self.drafted = True
        self.figures["total"] = text.plain(text.say(self.language, "client.ask.price", price=made.total))
        return {"drafted": True, "total": "{total}", "next": "the client checks and sends it by the button below"}

    def _line(self, told: Any) -> tuple[str, str, int] | None:
        """Return (code, variant, quantity) of what a model wrote; None when it is no line of this menu."""
        if not isinstance(told, dict) or told.keys() - {"item", "size", "quantity"}:
            return None
        item = self.items.get(str(told.get("item", "")).strip("{} ").partition("/")[0].lower())
        quantity = told.get("quantity")
        if item is None or type(quantity) is not int or not 1 <= quantity <= requests.MOST:
            return None
        size = guards.flat(str(told.get("size") or str(told["item"]).strip("{} ").partition("/")[2]))
        names = [one.name for one in item.variants]
        name = next((one for one in names if guards.flat(one) == size), names[0] if len(names) == 1 else None)
        return (item.code, name, quantity) if name is not None else None

    async def _person(self, given: dict[str, Any]) -> dict[str, Any]:
        self.person = str(given["reason"])[:200] or "-"
        return {"called": True}


_TOOLS: Mapping[str, Callable[[Toolbox, dict[str, Any]], Awaitable[dict[str, Any]]]] = {
    "search_menu": Toolbox._search,
    "item": Toolbox._item,
    "promotions": Toolbox._promotions,
    "my_points": Toolbox._points,
    "draft_order": Toolbox._draft,
    "call_person": Toolbox._person,
}
