"""What the wizard says, in English and Russian."""

# fmt: off
WORDS = {
    "token": ("Token of the {bot} bot, from @BotFather (Enter to leave it off)",
              "Токен бота {bot} от @BotFather (Enter — без этого бота)"),
    "studio_token": ("Token of the studio bot, from @BotFather", "Токен бота-студии от @BotFather"),
    "bad_token": ("Telegram does not accept this token: {said}", "Телеграм не принимает этот токен: {said}"),
    "same_token": ("This is the token of the {bot} bot already; each bot needs its own",
                   "Это токен бота {bot}, а каждому боту нужен свой"),
    "knows_bot": ("The {bot} bot is @{username}", "Бот {bot} — это @{username}"),
    "PUBLIC_URL": ("Address of the deployment, https://…", "Адрес развёрнутого проекта, https://…"),
    "ADMIN_IDS": ("Telegram ids of the administrators, separated by commas (@userinfobot tells yours)",
                  "Номера администраторов в Телеграме через запятую (свой подскажет @userinfobot)"),
    "DATABASE_URL_UNPOOLED": ("Direct address of Postgres, as its owner (Neon: without -pooler)",
                              "Прямой адрес Postgres для владельца (в Neon — без -pooler)"),
    "UPSTASH_REDIS_REST_URL": ("REST address of Upstash Redis, https://…", "REST-адрес Upstash Redis, https://…"),
    "UPSTASH_REDIS_REST_TOKEN": ("Its token", "Его токен"),
    "BLOB_READ_WRITE_TOKEN": ("Token of a private Blob store, vercel_blob_rw_…",
                              "Токен закрытого хранилища Blob, vercel_blob_rw_…"),
    "odd": ("That will not do: {said}", "Так не подойдёт: {said}"),
    "made": ("Made: {names}", "Создано: {names}"),
    "migrated": ("Migrations applied: {number}", "Применено миграций: {number}"),
    "role": ("The functions come as {role} now, with a password of their own",
             "Функции теперь приходят как {role}, со своим паролем"),
    "kept": ("Kept in {file}, which only you can read", "Сохранено в {file}, читать его можете только вы"),
    "hooked": ("Telegram knows where the bots live, their commands and descriptions",
               "Телеграм знает, где живут боты, их команды и описания"),
    "trip": ("A signed request went through the deployment to Postgres ({database} ms) and Redis ({redis} ms)",
             "Подписанный запрос прошёл через проект до Postgres ({database} мс) и Redis ({redis} мс)"),
    "file_trip": ("A file was kept, read and deleted", "Файл сохранён, прочитан и удалён"),
    "left": ("What is left for you:", "Осталось сделать вам:"),
    "add": ("give {name} to the deployment", "передать проекту {name}"),
    "deploy": ("deploy, then run this again", "развернуть проект и запустить эту команду ещё раз"),
    "missing": ("{name} is missing", "не хватает {name}"),
    "all_done": ("Everything works.", "Всё работает."),
}
# fmt: on


def say(language: str, key: str, **facts: object) -> str:
    """Return a sentence of the wizard."""
    return WORDS[key][language == "ru"].format(**facts)
