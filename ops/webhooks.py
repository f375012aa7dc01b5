"""Tell Telegram where each bot lives and which commands it has; run once after a deployment.

  python -m ops webhooks            set webhook, commands and description of every bot that has a token and flows
  python -m ops webhooks --show     change nothing, show what Telegram knows

Running it again changes nothing. It uses PUBLIC_URL, WEBHOOK_SECRET and the tokens.
"""

import argparse

from lib import config, errors, text
from lib.flows import FLOWS
from lib.telegram import client
from lib.telegram.client import Bot

UPDATES = (
    *("message", "edited_message", "callback_query", "pre_checkout_query", "my_chat_member"),
    "stopped_message_generation",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--show", action="store_true", help="only show what Telegram knows; exit code 1 on its errors")


async def run(args: argparse.Namespace) -> int:
    bots = [name for name in FLOWS.menus if config.get().bot_tokens.get(name)]
    if not bots:
        raise errors.Misconfigured(detail="no bot has a token; set STUDIO_BOT_TOKEN")
    results = [await (_show(name) if args.show else _set(name)) for name in bots]
    return max(results)


async def _set(name: str) -> int:
    settings = config.get()
    if not settings.webhook_secret:
        raise errors.Misconfigured(detail="WEBHOOK_SECRET is not set; the webhook refuses every update without it")
    bot = client.bot(name)
    url = f"{settings.public_url}/api/telegram/{name}"
    await client.call(bot.set_webhook(url, allowed_updates=UPDATES, secret_token=settings.webhook_secret))
    for language in text.LANGUAGES:
        await _set_commands(bot, name, language)
        await _set_profile(bot, name, language)
    print(f"{name:<8}  {url}")
    return 0


async def _set_commands(bot: Bot, name: str, language: str) -> None:
    """Set the commands in one language; the first language is also what everybody else sees."""
    menu = FLOWS.menus[name]
    known = dict.fromkeys([*menu.commands, *(menu.shared.commands if menu.shared else ())])
    keys = {command: _sentence(name, command) for command in known}
    commands = [(command, text.say(language, key)) for command, key in keys.items() if key]
    if not commands:
        return
    if language == text.LANGUAGES[0]:
        await client.call(bot.set_my_commands(commands))
    await client.call(bot.set_my_commands(commands, language_code=language))


def _sentence(name: str, command: str) -> str:
    """Return the key of a command's sentence in the list: the bot's own, else everybody's; "" to show none."""
    return next((key for key in (f"{name}.command.{command}", f"command.{command}") if text.knows(key)), "")


async def _set_profile(bot: Bot, name: str, language: str) -> None:
    """Set what a stranger reads before pressing Start; everybody else sees the first language, too."""
    about, description = text.say(language, f"bot.{name}.about"), text.say(language, f"bot.{name}.description")
    for code in ("", language) if language == text.LANGUAGES[0] else (language,):
        await client.call(bot.set_my_short_description(about, language_code=code))
        await client.call(bot.set_my_description(description, language_code=code))


async def _show(name: str) -> int:
    info = await client.call(client.bot(name).get_webhook_info())
    print(
        f"{name:<8}  {info.url or 'no webhook'}  pending {info.pending_update_count}  {info.last_error_message or ''}"
    )
    return 1 if info.last_error_message else 0
