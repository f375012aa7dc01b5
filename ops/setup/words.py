"""What the wizard says, in English and Russian. A key with `_dry` is what it says when it only tries."""

from ops import complaints

# fmt: off
WORDS = {
    "token": ("Token of the {bot} bot, {what}; from @BotFather (Enter: no such bot)",
              "Токен бота {bot} ({what}) от @BotFather (Enter — без него)"),
    "studio_token": ("Token of the studio bot, {what}; from @BotFather", "Токен бота-студии ({what}) от @BotFather"),
    "studio": ("which makes cards and videos", "делает карточки и видео"),
    "client": ("for the clients of shops", "для покупателей"),
    "partner": ("for the staff of shops", "для сотрудников магазинов"),
    "admin": ("for you, the administrator", "для вас, администратора"),
    "bad_token": ("Telegram does not accept this token: {said}", "Телеграм не принимает этот токен: {said}"),
    "same_token": ("This is the token of the {bot} bot already; each bot needs its own",
                   "Это токен бота {bot}, а каждому боту нужен свой"),
    "knows_bot": ("The {bot} bot is @{username}", "Бот {bot} — это @{username}"),
    "PUBLIC_URL": ("Address of the deployment, https://<project>.vercel.app",
                   "Адрес проекта, https://<проект>.vercel.app"),
    "ADMIN_IDS": ("Telegram ids of the administrators, separated by commas (@userinfobot tells yours)",
                  "Номера администраторов в Телеграме через запятую (свой подскажет @userinfobot)"),
    "DATABASE_URL_UNPOOLED": ("Direct address of Postgres, as its owner (Neon: without -pooler)",
                              "Прямой адрес Postgres для владельца (в Neon — без -pooler)"),
    "UPSTASH_REDIS_REST_URL": ("REST address of Upstash Redis, https://…", "REST-адрес Upstash Redis, https://…"),
    "UPSTASH_REDIS_REST_TOKEN": ("Its token", "Его токен"),
    "BLOB_READ_WRITE_TOKEN": ("Token of a private Blob store, vercel_blob_rw_…",
                              "Токен закрытого хранилища Blob, vercel_blob_rw_…"),
    "odd": ("That will not do: {said}", "Так не подойдёт: {said}"),
    "odd_token": ("A token looks like 123456:ABC…, with 35 characters behind the colon",
                  "Токен выглядит так: 123456:ABC…, после двоеточия 35 знаков"),
    "odd_url": ("That is no address: it begins with https://", "Это не адрес: он начинается с https://"),
    "odd_ids": ("Ids are numbers, separated by commas", "Нужны числа через запятую"),
    "odd_database": ("That is no address of Postgres: it begins with postgresql://",
                     "Это не адрес Postgres: он начинается с postgresql://"),
    "pulled": ("Settings of the project read from Vercel: {number}", "Настройки проекта прочитаны с Vercel: {number}"),
    "not_pulled": ("Vercel does not tell the project's settings: {said}",
                   "Vercel не отдаёт настройки проекта: {said}"),
    "made": ("Secrets made: {names}", "Созданы секреты: {names}"),
    "made_dry": ("Secrets that would be made: {names}", "Будут созданы секреты: {names}"),
    "migrated": ("Migrations applied: {number}", "Применено миграций: {number}"),
    "migrated_dry": ("Migrations that would be applied: {number}", "Будет применено миграций: {number}"),
    "migrated_none": ("The database is up to date", "База уже обновлена"),
    "role": ("The functions connect to the database as {role} now, with a password of their own",
             "Функции теперь подключаются к базе как {role}, с отдельным паролем"),
    "role_dry": ("The functions would connect to the database as {role}, with a password of their own",
                 "Функции будут подключаться к базе как {role}, с отдельным паролем"),
    "kept": ("Kept in {file}, which only you can read", "Сохранено в {file}, читать его можете только вы"),
    "kept_dry": ("Would be kept in {file}", "Будет сохранено в {file}"),
    "push": ("Hand these settings to Vercel now: {names}? (Enter: yes, n: no)",
             "Передать Vercel настройки: {names}? (Enter — да, н — нет)"),
    "pushed": ("Handed to Vercel: {names}", "Переданы Vercel: {names}"),
    "pushed_dry": ("Would be handed to Vercel: {names}", "Будут переданы Vercel: {names}"),
    "not_pushed": ("Vercel did not take {name}: {said}", "Vercel не принял {name}: {said}"),
    "deploy_now": ("Deploy now? It takes a minute or two (Enter: yes, n: no)",
                   "Развернуть проект сейчас? Это займёт минуту-две (Enter — да, н — нет)"),
    "deployed": ("Deployed", "Проект развёрнут"),
    "not_deployed": ("The deployment failed; the reason is in the lines above",
                     "Развернуть проект не удалось, причина — в строках выше"),
    "no_vercel": ("Vercel's command line is not installed", "Не установлена командная строка Vercel"),
    "not_linked": ("This folder is not linked to a project on Vercel", "Эта папка не связана с проектом на Vercel"),
    "hidden": ("Vercel has {names} but shows them to nobody. They are in the {file} where this ran before",
               "{names} есть на Vercel, но прочитать их нельзя. Они в файле {file} на компьютере, где вы уже запускали"
               " мастера"),
    "bring": ("copy that file here and run this again", "скопируйте этот файл сюда и запустите команду ещё раз"),
    "hidden_one": ("Vercel has {name} but shows it to nobody",
                   "Настройка {name} есть на Vercel, но прочитать её нельзя"),
    "hidden_here": ("Vercel has {name} but shows it to nobody; you find it at {where}",
                    "Настройка {name} есть на Vercel, но прочитать её нельзя. Найти её: {where}"),
    "look_up": ("answer the next run (without --yes), or write a line {name}=... into {file}; it is at {where}",
                "ответьте при следующем запуске (без --yes) или впишите строку {name}=... в {file}. Найти: {where}"),
    "hooked": ("Telegram knows where the bots live, their commands and descriptions",
               "Телеграм знает, где живут боты, их команды и описания"),
    "hooked_dry": ("Telegram would be told where the bots live, their commands and descriptions",
                   "Телеграм узнает, где живут боты, их команды и описания"),
    "trip": ("A signed request went through the deployment to Postgres ({database} ms) and Redis ({redis} ms)",
             "Подписанный запрос прошёл через проект до Postgres ({database} мс) и Redis ({redis} мс)"),
    "file_trip": ("A file was kept, read and deleted", "Файл сохранён, прочитан и удалён"),
    "cron_waits": ("Waiting for the first cron, two minutes at most", "Ждём первого крона — не дольше двух минут"),
    "cron_came": ("The cron of each minute comes", "Ежеминутный крон приходит"),
    "left": ("What is left for you:", "Осталось сделать вам:"),
    "add": ("Hand these settings to Vercel: {names}", "Передать Vercel настройки: {names}"),
    "deploy": ("Deploy, then run this again", "Развернуть проект и запустить эту команду ещё раз"),
    "missing": ("{name} is missing", "Не хватает {name}"),
    "write": ("answer the next run (without --yes), or write a line {name}=... into {file}",
              "ответьте при следующем запуске (без --yes) или впишите строку {name}=... в {file}"),
    "all_done": ("Everything works. Say hello: {links}", "Всё работает. Поздоровайтесь с ботом: {links}"),
    "tried": ("Nothing was changed.", "Ничего не изменено."),
}
# fmt: on
# Where a person finds what an integration has set and Vercel hides.
WHERE = {
    "DATABASE_URL_UNPOOLED": (
        "vercel.com, the project, Storage, Open in Neon, Connect, with Connection pooling off",
        "vercel.com, проект, Storage, Open in Neon, Connect, выключив Connection pooling",
    ),
    "UPSTASH_REDIS_REST_URL": (
        "vercel.com, the project, Storage, Open in Upstash, REST, https",
        "vercel.com, проект, Storage, Open in Upstash, REST, https",
    ),
    "UPSTASH_REDIS_REST_TOKEN": (
        "vercel.com, the project, Storage, Open in Upstash, REST, Token (not the read-only one)",
        "vercel.com, проект, Storage, Open in Upstash, REST, Token (не Read-Only)",
    ),
    "BLOB_READ_WRITE_TOKEN": (
        "vercel.com, the project, Storage, the store, .env.local, Show secret",
        "vercel.com, проект, Storage, хранилище, .env.local, Show secret",
    ),
}


def say(language: str, key: str, **facts: object) -> str:
    """Return a sentence of the wizard."""
    return WORDS[key][language == "ru"].format(**facts)


def where(language: str, name: str) -> str:
    """Return where the value of a setting is to be seen."""
    return WHERE[name][language == "ru"]


def odd(language: str, name: str, said: str) -> str:
    """Return why a value of a setting will not do: in the words of its kind, or as its reader says it."""
    kinds = {"_TOKEN": "odd_token", "_REST_TOKEN": "odd", "_IDS": "odd_ids", "DATABASE_URL_UNPOOLED": "odd_database"}
    kinds |= {"PUBLIC_URL": "odd_url", "_REST_URL": "odd_url"}
    key = next((kinds[end] for end in sorted(kinds, key=len, reverse=True) if name.endswith(end)), "odd")
    return say(language, key, said=complaints.say(language, said))
