"""The Bot API methods of the stand-in by their lower-case names, as Telegram takes them."""

from dev.telegram.methods import editing, passing, polling, profile, sending, stars, talking

METHODS = {
    name.lower(): handler
    for module in (polling, profile, sending, passing, talking, editing, stars)
    for name, handler in module.METHODS.items()
}
