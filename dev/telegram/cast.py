"""The bots and the people that are there from the start."""

import colorsys

from dev.telegram.records import Account, Json

# The shape of a real token; a bot's number comes before the colon.
BOTS = (
    Account("studio", "7000000001:LOCAL-studio-0000000000000000000000", "lotok_studio_bot", "Лоток · Студия"),
    Account("client", "7000000002:LOCAL-client-0000000000000000000000", "lotok_client_bot", "Лоток · Клуб"),
    Account("partner", "7000000003:LOCAL-partner-000000000000000000000", "lotok_partner_bot", "Лоток · Партнёр"),
    Account("admin", "7000000004:LOCAL-admin-00000000000000000000000", "lotok_admin_bot", "Лоток · Админ"),
)
CAST: tuple[Json, ...] = (
    {
        "id": 1001,
        "first_name": "Анна",
        "last_name": "Соколова",
        "username": "anna",
        "role": "seller",
        "color": "#e17076",
    },
    {
        "id": 1002,
        "first_name": "Борис",
        "last_name": "Клёнов",
        "username": "boris",
        "role": "client",
        "color": "#7bc862",
    },
    {
        "id": 1003,
        "first_name": "Вера",
        "last_name": "Лунина",
        "username": "vera",
        "role": "cashier",
        "color": "#ee7aae",
    },
    {"id": 1004, "first_name": "Глеб", "last_name": "Орлов", "username": "gleb", "role": "owner", "color": "#65aadd"},
    {"id": 1005, "first_name": "Дина", "last_name": "Маркова", "username": "dina", "role": "admin", "color": "#a695e7"},
)
FIRST_GUEST = 1_000_000


def person(user_id: int, first_name: str, username: str = "", language_code: str = "ru", role: str = "guest") -> Json:
    """Return a user of the simulator with a colour of their own."""
    red, green, blue = colorsys.hls_to_rgb(user_id * 0.618 % 1, 0.62, 0.6)
    color = f"#{int(red * 255):02x}{int(green * 255):02x}{int(blue * 255):02x}"
    shown = {"id": user_id, "first_name": first_name, "last_name": "", "username": username}
    return {**shown, "language_code": language_code, "role": role, "color": color}


def wire_user(user: Json) -> Json:
    """Return the user as the Bot API shows them; empty fields are left out."""
    shown = {name: user[name] for name in ("first_name", "last_name", "username", "language_code") if user.get(name)}
    return {"id": user["id"], "is_bot": False, **shown}


def wire_chat(user: Json) -> Json:
    """Return the user's private chat as the Bot API shows it."""
    shown = {name: user[name] for name in ("first_name", "last_name", "username") if user.get(name)}
    return {"id": user["id"], "type": "private", **shown}


def phone(user: Json) -> str:
    """Return the number that the contact button shares."""
    return f"7900{user['id'] % 10_000_000:07d}"
