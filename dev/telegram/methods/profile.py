"""Methods about the bot itself: who it is, its webhook, its commands and descriptions."""

import re
from dataclasses import asdict
from urllib.parse import urlsplit

from dev.telegram.methods.asked import Asked
from dev.telegram.records import Bot, Json, Refused, Webhook
from dev.telegram.world import World

LOOPBACK = ("127.0.0.1", "localhost", "::1")
FIELD_LIMITS = {"name": 64, "description": 512, "short_description": 120}


async def get_me(asked: Asked) -> Json:
    abilities = ("supports_inline_queries", "can_connect_to_business", "has_main_web_app", "has_topics_enabled")
    rights = {"can_join_groups": True, "can_read_all_group_messages": False, **dict.fromkeys(abilities, False)}
    return {**asked.bot.account.user, **rights}


async def set_webhook(asked: Asked) -> bool:
    """Set the webhook; the same again changes nothing, more than one change a second is refused."""
    world, bot, p = asked.world, asked.bot, asked.p
    url = p.text("url").strip()
    if not url:
        return await delete_webhook(asked)
    _check_webhook(url, p.text("secret_token"), p.number("max_connections", 40))
    kept = bot.webhook.allowed_updates
    wanted = Webhook(
        url,
        p.text("secret_token"),
        p.number("max_connections", 40),
        (p.json("allowed_updates") or None) if p.has("allowed_updates") else kept,
    )
    if p.flag("drop_pending_updates"):
        world.delivery.drop(bot.name)
    if _same(wanted, bot.webhook):
        return True
    now = world.clock()
    if now - bot.webhook.changed_at < 1:
        raise Refused(429, "Too Many Requests: retry after 1", {"retry_after": 1})
    wanted.changed_at = now
    bot.set_webhook(wanted)
    world.keep_bot(bot)
    return True


async def delete_webhook(asked: Asked) -> bool:
    bot = asked.bot
    if asked.p.flag("drop_pending_updates"):
        asked.world.delivery.drop(bot.name)
    bot.set_webhook(Webhook(allowed_updates=bot.webhook.allowed_updates, changed_at=bot.webhook.changed_at))
    asked.world.keep_bot(bot)
    return True


async def get_webhook_info(asked: Asked) -> Json:
    return webhook_info(asked.world, asked.bot)


def webhook_info(world: World, bot: Bot) -> Json:
    """Return WebhookInfo; what was never set or never happened is left out."""
    webhook = bot.webhook
    pending = len(world.delivery.pending(bot.name))
    info: Json = {"url": webhook.url, "has_custom_certificate": False, "pending_update_count": pending}
    if webhook.url:
        info |= {"max_connections": webhook.max_connections, "ip_address": "127.0.0.1"}
    if webhook.last_error_date:
        info |= {"last_error_date": webhook.last_error_date, "last_error_message": webhook.last_error_message}
    return info | ({"allowed_updates": webhook.allowed_updates} if webhook.allowed_updates else {})


async def set_my_commands(asked: Asked) -> bool:
    commands = asked.p.json("commands")
    if not isinstance(commands, list) or len(commands) > 100:
        raise Refused(400, "Bad Request: can't parse commands JSON object")
    for one in commands:
        if not re.fullmatch(r"[a-z0-9_]{1,32}", str(one.get("command", "")).lstrip("/")):
            raise Refused(400, "Bad Request: BOT_COMMAND_INVALID")
        if not 1 <= len(str(one.get("description", ""))) <= 256:
            raise Refused(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
    asked.bot.profile["commands"][_scope(asked)] = commands
    asked.world.keep_bot(asked.bot)
    return True


async def get_my_commands(asked: Asked) -> list[Json]:
    commands: list[Json] = asked.bot.profile["commands"].get(_scope(asked), [])
    return commands


async def delete_my_commands(asked: Asked) -> bool:
    asked.bot.profile["commands"].pop(_scope(asked), None)
    asked.world.keep_bot(asked.bot)
    return True


async def set_chat_menu_button(asked: Asked) -> bool:
    button = asked.p.json("menu_button") or {"type": "default"}
    if button.get("type") not in ("commands", "web_app", "default"):
        raise Refused(400, "Bad Request: can't parse menu button: type is invalid")
    asked.bot.profile["menu"][asked.p.text("chat_id")] = button
    asked.world.keep_bot(asked.bot)
    return True


async def get_chat_menu_button(asked: Asked) -> Json:
    menu = asked.bot.profile["menu"]
    found: Json = menu.get(asked.p.text("chat_id")) or menu.get("") or {"type": "commands"}
    return found


def commands_for(profile: Json, user_id: int, language: str) -> list[Json]:
    """Return the commands a user sees: the chat's list before that of all private chats and the default one."""
    for scope in (f"chat:{user_id}", "all_private_chats:", "default:"):
        for tongue in (language, ""):
            if profile["commands"].get(f"{scope}|{tongue}"):
                found: list[Json] = profile["commands"][f"{scope}|{tongue}"]
                return found
    return []


def _scope(asked: Asked) -> str:
    scope = asked.p.json("scope") or {"type": "default"}
    return f"{scope.get('type')}:{scope.get('chat_id', '')}|{asked.p.text('language_code')}"


def _same(one: Webhook, other: Webhook) -> bool:
    named = ("url", "secret_token", "max_connections", "allowed_updates")
    return all(asdict(one)[name] == asdict(other)[name] for name in named)


def _check_webhook(url: str, secret: str, connections: int) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in LOOPBACK):
        raise Refused(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", secret):
        words = "secret token is too long" if len(secret) > 256 else "secret token contains unallowed characters"
        raise Refused(400, f"Bad Request: {words}")
    if not 1 <= connections <= 100:
        raise Refused(400, "Bad Request: max_connections must be between 1 and 100")


def _setter(field: str) -> object:
    async def handler(asked: Asked) -> bool:
        if len(asked.p.text(field)) > FIELD_LIMITS[field]:
            raise Refused(400, f"Bad Request: bot {field.replace('_', ' ')} is too long")
        asked.bot.profile[field][asked.p.text("language_code")] = asked.p.text(field)
        asked.world.keep_bot(asked.bot)
        return True

    return handler


def _getter(field: str) -> object:
    async def handler(asked: Asked) -> Json:
        values = asked.bot.profile[field]
        fallback = asked.bot.account.title if field == "name" else ""
        return {field: values.get(asked.p.text("language_code")) or values.get("") or fallback}

    return handler


METHODS = {
    "getMe": get_me,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
    "setChatMenuButton": set_chat_menu_button,
    "getChatMenuButton": get_chat_menu_button,
    "setMyName": _setter("name"),
    "setMyDescription": _setter("description"),
    "setMyShortDescription": _setter("short_description"),
    "getMyName": _getter("name"),
    "getMyDescription": _getter("description"),
    "getMyShortDescription": _getter("short_description"),
}
