"""Tell Telegram where each bot lives and which commands it has; run once after a deployment.

  python -m ops webhooks            set webhook, commands, menu button and words of every bot that has a token and flows
  python -m ops webhooks --show     change nothing, show what Telegram knows
  python -m ops webhooks --here     with several regions: bring the bots here from the region that Telegram calls now
  python -m ops webhooks --remove   take the webhooks away that were set for this deployment, as when a preview ends

Running it again changes nothing. It uses PUBLIC_URL, WEBHOOK_SECRET and the tokens. For a preview (VERCEL_ENV=preview,
PREVIEW_BRANCH, VERCEL_AUTOMATION_BYPASS_SECRET) the addresses let Telegram through the protection, and a bot whose
webhook no preview has set is left alone: it is production's. The bots answer from the preview that came last.
"""

import argparse
from urllib.parse import parse_qs, urlsplit

from telegram import MenuButtonCommands

from lib import config, errors, text
from lib.flows import FLOWS
from lib.telegram import client
from lib.telegram.client import Bot

UPDATES = (
    *("message", "edited_message", "callback_query", "pre_checkout_query", "my_chat_member"),
    "stopped_message_generation",
)
CONNECTIONS = 40  # updates that Telegram delivers at once


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--show", action="store_true", help="only show what Telegram knows; exit code 1 on its errors")
    what.add_argument("--here", action="store_true", help="bring the bots here from another region")
    what.add_argument("--remove", action="store_true", help="take away the webhooks of this deployment")


async def run(args: argparse.Namespace) -> int:
    bots = [name for name in FLOWS.menus if config.get().bot_tokens.get(name)]
    if not bots:
        raise errors.Misconfigured(detail="no bot has a token; set STUDIO_BOT_TOKEN")
    work = _show if args.show else _remove if args.remove else _set
    if work is _set:
        await _require_own([*bots])
        bots = bots if args.here else [name for name in bots if not await _is_elsewhere(name)]
    return max([0, *[await work(name) for name in bots]])


async def _require_own(bots: list[str]) -> None:
    """Refuse for a preview, before anything is changed, a bot that works for something else than a preview."""
    if config.get().environment != "preview":
        return
    for name in bots:
        url = (await client.call(client.bot(name).get_webhook_info())).url
        if url and not _branch_of(url):
            host = urlsplit(url).netloc
            raise errors.Denied("not_a_preview", f"the {name} bot answers from {host}; a preview needs bots of its own")


async def _is_elsewhere(name: str) -> bool:
    """Say whether Telegram calls another region for this bot, which then sends on what belongs here."""
    others = config.get().other_regions
    url = (await client.call(client.bot(name).get_webhook_info())).url or "" if others else ""
    region = next((region for region, site in others.items() if url.startswith(f"{site}/")), "")
    if region:
        print(f"{name:<8}  stays with {region}; --here brings it to this region")
    return bool(region)


async def _set(name: str) -> int:
    settings = config.get()
    if not settings.webhook_secret:
        raise errors.Misconfigured(detail="WEBHOOK_SECRET is not set; the webhook refuses every update without it")
    bot = client.bot(name)
    url = _address(name)
    known = {"allowed_updates": UPDATES, "secret_token": settings.webhook_secret, "max_connections": CONNECTIONS}
    await client.call(bot.set_webhook(url, **known))
    await client.call(bot.set_chat_menu_button(menu_button=MenuButtonCommands()))
    for language in text.LANGUAGES:
        await _set_commands(bot, name, language)
        await _set_profile(bot, name, language)
    print(f"{name:<8}  {_shown(url)}")
    return 0


async def _remove(name: str) -> int:
    """Take the bot's webhook away if it is this deployment's: by now it may be that of another preview."""
    bot = client.bot(name)
    url = (await client.call(bot.get_webhook_info())).url or ""
    settings = config.get()
    own = _branch_of(url) == settings.branch if settings.branch else url == _address(name)
    if url and own:
        await client.call(bot.delete_webhook())
    print(f"{name:<8}  {'removed' if url and own else f'left alone: {_shown(url)}' if url else 'no webhook'}")
    return 0


def _address(name: str) -> str:
    """Return where a bot's updates go. A preview's tells its branch, so that it is known for a preview's later."""
    branch = config.get().branch
    return config.get().address(f"/api/telegram/{name}", {"preview": branch} if branch else None)


def _branch_of(url: str) -> str:
    """Return the branch of the preview that set this webhook, or nothing."""
    return next(iter(parse_qs(urlsplit(url).query).get("preview", [])), "")


def _shown(url: str) -> str:
    """Return an address without its query, which holds the pass through the protection."""
    return url.partition("?")[0]


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
    url = _shown(info.url or "") or "no webhook"
    print(f"{name:<8}  {url}  pending {info.pending_update_count}  {info.last_error_message or ''}".rstrip())
    return 1 if info.last_error_message else 0
