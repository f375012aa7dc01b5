"""Answers one question of a client, in a worker: with a model where there is one and it may be asked, else by the menu.

    begin the line -> context -> the model, shown while it grows -> the line ends -> one message

The line ends before its message goes out, and an answer that another question has overtaken ends nowhere. A run that
died is begun again; one that died between the line and its message sends what the line says.
"""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from lib import cache, clock, db, errors, log, text
from lib.assistant import (
    about,
    below,
    conversation,
    fitting,
    handover,
    keyless,
    model,
    prompt,
    render,
    settings,
    summary,
    talks,
    tools,
)
from lib.assistant.conversation import TalkContext
from lib.assistant.model import ModelReply, ToolCall
from lib.assistant.render import AnswerFacts
from lib.assistant.settings import AssistantSettings
from lib.assistant.talks import AnswerUse, BegunAnswer, TalkLine
from lib.assistant.tools import Toolbox
from lib.jobs.run import Run
from lib.menu import versions
from lib.menu.goods import MenuItem
from lib.menu.index import Index
from lib.menu.versions import OpenShop
from lib.people import profiles
from lib.providers import makers, openai
from lib.providers.contract import Offer
from lib.studio import spending
from lib.telegram.client import Button, Chat, Keyboard
from lib.telegram.live import LiveText

DEADLINE = timedelta(seconds=25)
ROUNDS = 2  # of tools
_WITHOUT_TOOLS = {
    "promotions": re.compile(r"акци|скидк|спецпредлож|promo|discount|special offer", re.IGNORECASE),
    "my_points": re.compile(r"балл|бонус|points|loyalty", re.IGNORECASE),
}
ENDS = {"": "cut", "length": "long", "refusal": "refused", "error": "cut"}


@dataclass(frozen=True)
class AnswerOrder:
    """What the job of an answer holds: no words, as those are in the rows."""

    bot: str
    partner_id: int
    talk_id: int
    run_no: int
    line_id: int

    @classmethod
    def read(cls, args: Mapping[str, Any]) -> "AnswerOrder":
        """Return the order out of a job's arguments."""
        return cls(str(args["bot"]), *(int(args[name]) for name in ("partner_id", "talk_id", "run_no", "line_id")))


@dataclass
class Answering:
    """One answer while it is made."""

    run: Run
    order: AnswerOrder
    language: str
    chat: Chat
    shop: OpenShop
    index: Index
    wishes: AssistantSettings
    line: BegunAnswer
    words: str = ""
    use: AnswerUse = field(default_factory=AnswerUse)


async def answer(run: Run) -> None:
    """Answer the question of a job, once."""
    order = AnswerOrder.read(run.job.args)
    person = await profiles.by_id(run.job.user_id or 0)
    if person is None or person.tg_id <= 0:
        return
    shop = await db.run(lambda conn: versions.open_shop(conn, order.partner_id))
    if shop is None:
        return
    wishes, index = await asyncio.gather(
        db.run(lambda conn: settings.read(conn, order.partner_id)), versions.index(shop)
    )
    use = AnswerUse(model=openai.words_offer().model if model.is_ready() and wishes.is_on else "")
    ids = (order.partner_id, order.talk_id, order.run_no)
    most = {"client": wishes.client_answers, "shop": wishes.shop_answers}
    line = await db.run(lambda conn: talks.begin_answer(conn, *ids, at=clock.now(), most=use, limits=most))
    if line is None or line.message_id:
        log.note(late=True)
        return
    work = Answering(
        run, order, person.language, Chat(order.bot, person.tg_id, paced=True), shop, index, wishes, line, use=use
    )
    try:
        await _made(work)
    except errors.Blocked:
        await _end(work, "", "dropped")


async def _made(work: Answering) -> None:
    if work.line.status != "begun":  # an earlier run has ended the line and died before it sent it
        if work.line.status != "dropped":
            await _sent(work, work.chat.say_plain(work.line.words))
        return
    context = await conversation.read(work.order.partner_id, work.run.job.user_id or 0, work.order.talk_id)
    question = _question(context)
    known = about.answer(work.language, work.shop, question, work.run.now)  # hours and address need no model
    if known or not work.use.model or work.line.halt:
        await _by_menu(work, context, note="" if known else work.line.halt)
        return
    try:
        await _by_model(work, context)
    except (errors.Unavailable, errors.Rejected) as fault:
        if isinstance(fault, errors.Blocked):
            raise
        log.event("model_not_asked", error=str(fault)[:200])
        await _by_menu(work, context)


async def _by_menu(work: Answering, context: TalkContext, note: str = "") -> None:
    """Answer from the menu alone; `note` says which budget is spent, "" for none."""
    question = _question(context)
    reply = keyless.reply(work.language, work.shop, work.index, question)
    said = [text.say(work.language, f"client.answer.spent_{note}")] if note else []
    words = "\n\n".join([*said, reply.words])
    if not await _end(work, text.plain(words), "complete", missed=reply.missed, use=AnswerUse()):
        return
    rows = _below(work, reply.items)
    await _sent(work, work.chat.say(words, rows))
    await _call_person(work, "", missed=reply.missed)


async def _by_model(work: Answering, context: TalkContext) -> None:
    offer = replace(openai.words_offer(), cost=2)
    call_id = await _allowed(work, offer)
    facts_of = Toolbox(
        work.shop,
        work.index,
        render.references(work.index.items),
        work.run.job.user_id or 0,
        work.language,
        work.run.now,
        fitting.read(work.index, _question(context)),
    )
    live = LiveText(
        work.chat,
        work.order.line_id,
        lambda: render.render(work.words, _facts(work, facts_of), ended=False).words,
        lambda: _look(work.order.line_id),
    )
    finish, state = "", "failed"
    try:
        async with asyncio.timeout(DEADLINE.total_seconds()):
            reply = await live.follow(_rounds(work, context, facts_of, live))
        finish, state = (reply.finish if reply else ""), "done"
    except TimeoutError:
        if not work.words:
            raise errors.Unavailable("model_late") from None
    finally:
        cost = openai.text_cost(work.use.tokens_in, work.use.cached, work.use.tokens_out)
        work.use = replace(work.use, cost_micro=cost)
        ended_as: spending.CallEnd = "done" if state == "done" else "failed"
        await db.run(lambda conn: spending.end_call(conn, call_id, ended_as, -(-cost // 1000)))
    await _finished(work, facts_of, live, finish, context)


async def _finished(work: Answering, box: Toolbox, live: LiveText, finish: str, context: TalkContext) -> None:
    """End the line as the answer ended, and send it."""
    if live.verdict == "next":
        await _end(work, "", "dropped")
        await live.drop()
        return
    shown = render.render(work.words, _facts(work, box), ended=finish == "stop")
    if not shown.words and not live.verdict:
        await _by_menu(work, context)
        return
    status = "stopped" if live.verdict else "complete" if finish == "stop" else "broken"
    key = "stopped" if live.verdict else ENDS.get(finish, "cut")
    tail = "" if status == "complete" else text.plain(text.say(work.language, f"client.answer.{key}"))
    words = "\n\n".join(part for part in (shown.words, tail) if part)
    use = replace(work.use, cost_micro=0) if status == "broken" else work.use
    missed = not shown.named and not box.figures and status == "complete"
    if not await _end(work, words, status, missed=missed, use=use):
        await _end(work, "", "dropped")
        await live.drop()
        return
    named = [one for one in work.index.items if one.code in shown.named]
    rows = _below(work, named)
    if box.drafted and not _is_trial(work):
        basket = text.say(work.language, "request.button.basket")
        rows = [[Button(basket, f"basket:open:{work.shop.id}", style="primary")], *rows]
    await _sent(work, live.end(words, shown.entities, rows))
    await _call_person(work, box.person, missed=missed)
    said = TalkLine(work.line.id, "bot", words, status, work.order.run_no, None, False, None, clock.now())
    lines = (*context.lines, said)[-talks.LAST :]
    context = await summary.refresh(work.shop.id, replace(context, lines=lines))
    await conversation.keep(work.shop.id, work.run.job.user_id or 0, context)


async def _rounds(work: Answering, context: TalkContext, box: Toolbox, live: LiveText) -> ModelReply:
    """Ask the model, with its tools where the server takes them."""
    if await model.has_tools():
        try:
            return await _asked(work, context, box, live, with_tools=True)
        except errors.Rejected as refusal:
            if refusal.code != "no_tools":
                raise
    return await _asked(work, context, box, live, with_tools=False)


async def _asked(
    work: Answering, context: TalkContext, box: Toolbox, live: LiveText, *, with_tools: bool
) -> ModelReply:
    question, limits = _question(context), box.limits
    found = box.hits(question) if len(box.items) > prompt.WHOLE or limits.are_any else []
    more = {} if with_tools else await _beforehand(box, question)
    told_with: dict[str, Any] = {"language": work.language, "earlier": context.summary, "found": found, "more": more}
    told_with["limits"] = limits.told()
    told = prompt.messages(work.shop, box.items, work.wishes, context.lines, **told_with)

    def hear(part: str) -> None:
        work.words += part
        live.grow()

    for number in range(ROUNDS + 1):
        work.words = ""
        offered = box.offered if with_tools else []
        key, who = prompt.cache_key(work.shop), f"{work.run.job.user_id}"
        try:
            reply = await model.ask(told, offered, cache_key=key, who=who, hear=hear)
        except asyncio.CancelledError:  # stopped, overtaken or late: the provider counts what it did all the same
            _count(work, model.cut(told, work.words))
            raise
        _count(work, reply)
        if not reply.calls or number == ROUNDS:
            return reply
        told += await _used(box, reply)
    raise AssertionError


async def _beforehand(box: Toolbox, question: str) -> dict[str, Any]:
    """Return what the tools would tell of a question, for a server that takes none."""
    wanted = [name for name, asked in _WITHOUT_TOOLS.items() if asked.search(question)]
    return {name: json.loads(await box.use(ToolCall("", name, {}))) for name in wanted}


async def _used(box: Toolbox, reply: ModelReply) -> list[model.Message]:
    """Use the tools that a model asked for, and return what to tell it of them."""
    calls = [
        {"id": one.id, "type": "function", "function": {"name": one.name, "arguments": _json(one.arguments)}}
        for one in reply.calls
    ]
    answers = [{"role": "tool", "tool_call_id": one.id, "content": await box.use(one)} for one in reply.calls]
    return [{"role": "assistant", "content": reply.words or None, "tool_calls": calls}, *answers]


def _json(arguments: dict[str, Any] | None) -> str:
    return json.dumps(arguments or {}, ensure_ascii=False)


def _count(work: Answering, reply: ModelReply) -> None:
    used = work.use
    work.use = replace(
        used,
        tokens_in=used.tokens_in + reply.tokens_in,
        tokens_out=used.tokens_out + reply.tokens_out,
        cached=used.cached + reply.cached,
    )


def _is_trial(work: Answering) -> bool:
    """Tell whether the shop's own people try the assistant out, in their bot."""
    return work.order.bot == "partner"


def _below(work: Answering, items: Sequence[MenuItem]) -> Keyboard:
    if _is_trial(work):
        return [[Button(text.say(work.language, "partner.button.assistant_tried"), "assistant:home")]]
    ids = (work.order.talk_id, work.order.run_no)
    return below.keyboard(work.language, work.shop, work.index, items, *ids)


async def _call_person(work: Answering, asked: str, *, missed: bool) -> None:
    """Bring a person in when the model asked for one, or when the last answers were of no use; tell the client."""
    ids, now = (work.order.partner_id, work.order.talk_id), work.run.now
    if asked:
        called = await db.run(lambda conn: handover.call(conn, *ids, "model", at=now))
    else:
        called = missed and await db.run(lambda conn: handover.call_if_lost(conn, *ids, at=now))
    if called:
        await work.chat.say(
            handover.sentence(work.language, work.shop, now), handover.back(work.language, work.shop.id)
        )


def _facts(work: Answering, box: Toolbox) -> AnswerFacts:
    contacts = [one for one in (work.shop.contact, work.shop.address) if one]
    return AnswerFacts(work.language, box.items, box.figures, [prompt.RULES], tools.NAMES, contacts, box.limits)


def _unanswered(context: TalkContext) -> list[TalkLine]:
    """Return what the client has said since the last answer."""
    since = next((at for at in range(len(context.lines), 0, -1) if context.lines[at - 1].role != "client"), 0)
    return list(context.lines[since:])


def _question(context: TalkContext) -> str:
    """Return what is asked, all that was written meanwhile included."""
    return " ".join(one.words for one in _unanswered(context))


async def _look(line_id: int) -> str:
    """Say why an answer is no longer wanted; "" when it is, or when Redis cannot tell."""
    try:
        return await cache.get(f"answer_end:{line_id}") or ""
    except errors.Unavailable:
        return ""


async def _allowed(work: Answering, offer: Offer) -> int:
    """Note that the provider is about to be asked; Unavailable when nobody may ask it now."""
    account = makers.account(offer.provider, work.run.job.id)
    intent = spending.Intent(
        work.run.job.id, work.run.token, 0, "answer", offer.provider, offer.model, offer.cost, account
    )
    begun = await db.run(lambda conn: spending.begin_call(conn, intent))
    if begun.id is None:
        raise errors.Unavailable(begun.halt or "busy", f"{offer.provider} is not asked now")
    return begun.id


async def _end(work: Answering, words: str, status: str, *, missed: bool = False, use: AnswerUse | None = None) -> bool:
    ids, used = (work.order.partner_id, work.line.id), use or work.use
    return await db.run(lambda conn: talks.end_answer(conn, *ids, words, use=used, status=status, missed=missed))


async def _sent(work: Answering, sending: Any) -> None:
    message_id = await sending
    await db.run(lambda conn: talks.note_message(conn, work.order.partner_id, work.line.id, message_id))
