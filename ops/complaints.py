"""The complaints of lib/config.py and of the doctor's looks at an installation, in the reader's language.

What another service says is quoted as it is.
"""

import re

_RUSSIAN = (
    (r"(.+) is not set", "{0}: настройка не задана"),
    (r"(.+) is (.+); it must be one of (.+)", "{0}: {1} не подходит, а можно только {2}"),
    (r"(.+) is (.+); it must be a number from (.+) to (.+)", "{0}: {1} не подходит, нужно число от {2} до {3}"),
    (r"(.+) must be an http or https address", "{0}: нужен адрес, который начинается с http:// или https://"),
    (r"(.+) must begin with postgresql://", "{0}: адрес базы начинается с postgresql://"),
    (r"(.+) must be one or more keys, separated by commas", "{0}: нужен ключ или несколько ключей через запятую"),
    (r"(.+) must be 16 to 256 characters of (.+)", "{0}: нужно от 16 до 256 знаков из {1}"),
    (r"(.+) does not look like a bot token \((.+)\)", "{0}: это не похоже на токен бота ({1})"),
    (r"(.+) must be Telegram user ids separated by commas", "{0}: нужны номера людей в Телеграме через запятую"),
    (r"(.+) must be three prices in dollars, such as (.+)", "{0}: нужны три цены в долларах, например {1}"),
    (r"(.+) must be like (.+); it knows (.+)", "{0}: пишите так: {1}; известны {2}"),
    (r"(.+) must be like (.+)", "{0}: пишите так: {1}"),
    (r"(.+) of this preview points at the production database; refused", "{0} предпросмотра ведёт в рабочую базу"),
    (r"(.+) of this preview is the production's; refused", "{0} предпросмотра — это адрес рабочего бота"),
    (r"no answer", "нет ответа"),
    (r"no answer in time", "ответа не дождались"),
    (r"status (\d+)", "код {0}"),
    (r"status (\d+), and no JSON", "статус {0}, а в ответе не JSON"),
    (r"an answer of an odd shape", "непонятный ответ"),
    (r"not once within the last day", "за последние сутки ни разу"),
    (r"the last time was (\d+) min ago", "последний раз был {0} мин назад"),
    (r"a file came back changed", "файл вернулся не таким, каким был"),
)


def say(language: str, said: str) -> str:
    """Return a complaint in a language; one that is not ours stays as it is."""
    for pattern, russian in _RUSSIAN if language == "ru" else ():
        if found := re.fullmatch(pattern, said, re.DOTALL):
            return russian.format(*(part.replace(" or ", " или ") for part in found.groups()))
    return said
