"""The world as the control API shows it: state, chats, the effects of an act, the trace of an update."""

from typing import Any

from dev.telegram.methods.profile import commands_for, webhook_info
from dev.telegram.people import Act
from dev.telegram.records import CannotAct, Chat, Json, Update
from dev.telegram.world import World


async def state(world: World) -> Json:
    bots = [
        {
            "name": bot.name,
            "username": bot.account.username,
            "title": bot.account.title,
            "webhook": webhook_info(world, bot),
            "commands": commands_for(bot.profile, 0, "ru"),
        }
        for bot in world.bots.values()
    ]
    return {
        "bots": bots,
        "users": list(world.users.values()),
        "environment": world.environment,
        "parts": await world.hooks.parts(),
        "faults": world.all_faults(),
        "fault_kinds": {part: faults.kinds for part, faults in world.hooks.faults.items()},
        "spec": world.spec.version,
        "problems": world.problems[-50:],
        "seq": world.feed.seq,
    }


def chats(world: World) -> list[Json]:
    """List the chats that have something in them, the newest message first."""
    listed = [one for one in world.chats.values() if one.started and one.bot in world.bots]
    entries = [
        {
            "bot": one.bot,
            "user_id": one.user_id,
            "last": _last(world, one),
            "unread": one.unread,
            "blocked": one.blocked,
        }
        for one in listed
    ]
    return sorted(entries, key=lambda one: -(one["last"] or {"date": 0})["date"])


def chat(world: World, chat: Chat, last: int = 0) -> Json:
    """Return a chat from its beginning, or its `last` messages; looking at it makes it read."""
    if chat.unread:
        chat.unread = 0
        world.keep_chat(chat)
    user = world.users[chat.user_id]
    profile = world.bots[chat.bot].profile
    return {
        "messages": [world.view(one) for one in list(chat.messages.values())[-last:]],
        "reply_keyboard": chat.reply_keyboard,
        "action": chat.action if chat.action and world.clock() < chat.action_until else None,
        "blocked": chat.blocked,
        "commands": commands_for(profile, chat.user_id, user.get("language_code", "")),
        "menu_button": profile["menu"].get(str(chat.user_id)) or profile["menu"].get("") or {"type": "commands"},
        "seq": world.feed.seq,
    }


def act(world: World, act: Act, *, delivered: bool) -> Json:
    """Describe what a person did and, when it was waited for, how the webhook took it."""
    ids = [one.update_id for one in act.updates]
    done: Json = {
        "update_id": ids[0] if ids else None,
        "update_ids": ids,
        "message": world.view(act.posted) if act.posted else None,
        "callback_query_id": act.callback_query_id,
    }
    if delivered:
        press = world.presses.get(act.callback_query_id or "")
        done |= {
            "delivery": _delivery(act.updates[-1]) if act.updates else None,
            "callback_answer": press.answer if press else None,
        }
    return done


def find_update(world: World, bot: str, update_id: int) -> Update:
    record = world.updates.get((bot, update_id))
    if record is None:
        raise CannotAct("no_such_update", f"There is no update {update_id} of {bot}.", 404)
    return record


async def trace(world: World, record: Update) -> Json:
    """Tell the whole story of an update: the way to the webhook, the calls it led to, state, jobs and ledger."""
    story = await _story(world, record)
    return {
        "update": record.update,
        "state": record.state,
        "attempts": record.attempts,
        "calls": [world.calls[one].doc() for one in record.calls if one in world.calls],
        "state_before": record.state_before,
        "state_after": record.state_after,
        "log": record.log,
        "jobs": story.get("jobs", []),
        "ledger": story.get("ledger", []),
    }


async def _story(world: World, record: Update) -> Json:
    try:
        return await world.hooks.story(record.bot, record.user_id, record.created_at, record.log)
    except Exception as error:
        return {"jobs": [], "ledger": [{"error": f"{type(error).__name__}: {error}"}]}


def _delivery(record: Update) -> Json:
    last: Json = record.attempts[-1] if record.attempts else {"status": 0, "ms": 0}
    facts: dict[str, Any] = {"status": last["status"], "ms": last["ms"], "body": last.get("body", "")}
    return {"state": record.state, "attempts": len(record.attempts), **facts}


def _last(world: World, chat: Chat) -> Json | None:
    there = [one for one in chat.messages.values() if not one.deleted]
    return world.view(there[-1]) if there else None
