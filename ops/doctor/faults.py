"""The faults that the doctor finds: a row each, with its words in English and Russian and the command that mends it.

The order is that in which one mends: a missing setting explains much of what follows.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ops.doctor import looks
from ops.doctor.looks import Look
from ops.doctor.sight import InstallationSight


@dataclass(frozen=True)
class Fault:
    """One thing that may be wrong. A `local` one lies in the nature of a stack on one's own machine."""

    name: str
    look: Look
    en: str
    ru: str
    mend: str
    severity: Literal["fault", "advice"] = "fault"
    local: bool = False


@dataclass(frozen=True)
class Finding:
    """A fault that there is, in words."""

    name: str
    level: Literal["fault", "advice", "note"]
    what: str
    mend: str


def find(sight: InstallationSight, language: str = "en") -> list[Finding]:
    """Return what is wrong, in the order in which it is mended."""
    return [*_find(sight, language)]


def _find(sight: InstallationSight, language: str) -> Iterator[Finding]:
    for fault in FAULTS:
        is_note = fault.local and sight.environment == "local"
        for facts in fault.look(sight):
            words = (fault.ru if language == "ru" else fault.en).format(**facts)
            mend = fault.mend.format(**facts)
            level = "note" if is_note else fault.severity
            yield Finding(fault.name, level, words, _on_server(fault, mend) if sight.is_server else mend)


def _on_server(fault: Fault, mend: str) -> str:
    """Return what a server's owner types in place of a command for Vercel."""
    if fault.name in _OWN:
        return _OWN[fault.name]
    for pattern, there in _THERE:
        mend = re.sub(pattern, there, mend)
    return mend


_ENV = "vercel env add {name} production"
_SECRET = "openssl rand -hex 24 | vercel env add {name} production"
_HOOKS, _MIGRATE, _DEPLOY = "python -m ops webhooks", "python -m ops migrate", "vercel deploy --prod"
_APP = "python -m ops setup"
_POOLED, _DIRECT = "vercel env add LOTOK_DATABASE_URL production", "vercel env add DATABASE_URL_UNPOOLED production"
_WALLED = 'psql "$DATABASE_URL_UNPOOLED" -c "alter role {role} nosuperuser nobypassrls"'
_REGION = f'edit "regions" in vercel.json, then {_DEPLOY}'
_DAILY = """sed -i 's/"[*] [*] [*] [*] [*]"/"0 3 * * *"/' vercel.json"""

_OWN = {"address_away": "sudo lotok monitor", "cron_missing": "journalctl -u lotok-drain -n 50"}
_THERE = (
    (
        r"(?:openssl rand -hex 24 \| )?vercel env (?:add|rm) (\w+) \w+",
        r"sudo nano /etc/lotok/env (\1), then: sudo lotok restart",
    ),
    (r"vercel deploy --prod", "ops/deploy/vps/update.sh root@..., in a checkout after git pull"),
    (r"vercel logs \S+", "journalctl -u 'lotok-*' --since -1h"),
    (r"python -m ops", "sudo lotok"),
)

# fmt: off
FAULTS = (
    Fault("setting_missing", looks.complaints("missing"), "{name} is not set", "Настройка {name} не задана", _ENV),
    Fault("setting_odd", looks.complaints("odd"), "{said}", "{name}: значение не подходит ({said})", _ENV),
    Fault("preview_on_production", looks.complaints("preview"), "{said}",
          "Предпросмотр работает с базой или адресом рабочего бота: {said}", "vercel env rm {name} preview"),
    Fault("name_misspelt", looks.misspelt, "there is no setting {name}; did you mean {near}?",
          "Настройки {name} нет. Может быть, {near}?", "vercel env add {near} production"),
    Fault("secret_missing", looks.secret_missing, "{name} is not set, so what it guards refuses everybody",
          "{name} не задан: то, что он охраняет, закрыто для всех", _SECRET),
    Fault("no_bot", looks.when(looks.no_bot), "no bot has a token",
          "Ни у одного бота нет токена", "vercel env add STUDIO_BOT_TOKEN production"),
    Fault("token_refused", looks.token_refused, "Telegram does not accept {name} ({said})",
          "Телеграм не принимает {name} ({said})", _ENV),
    Fault("token_twice", looks.token_twice, "the {bot} bot and the {other} bot have one token",
          "У ботов {bot} и {other} один и тот же токен", _ENV),
    Fault("address_not_https", looks.when(lambda sight: sight.public.startswith("http://")),
          "PUBLIC_URL is not https, and Telegram calls nothing else",
          "PUBLIC_URL начинается не с https, а Телеграм обращается только так", "vercel env add PUBLIC_URL production",
          local=True),
    Fault("address_away", looks.address_away, "nothing answers at {url}: {said}",
          "По адресу {url} никто не отвечает: {said}", _DEPLOY),
    Fault("address_stranger", looks.address_stranger, "something else than Lotok answers at {url}",
          "По адресу {url} отвечает не Лоток", "vercel env add PUBLIC_URL production"),
    Fault("token_differs", looks.when(looks.token_differs),
          "the deployment does not know our ADMIN_API_TOKEN, so it tells nothing of itself",
          "Развёрнутый бот не знает нашего ADMIN_API_TOKEN и ничего о себе не говорит",
          _APP),
    Fault("secret_differs", looks.secret_differs, "the deployment has another {name} than we",
          "{name} у развёрнутого бота не тот, что здесь", _DEPLOY),
    Fault("hook_missing", looks.hook_missing, "the {bot} bot has no webhook", "У бота {bot} нет вебхука", _HOOKS),
    Fault("hook_elsewhere", looks.hook_elsewhere, "the webhook of the {bot} bot leads to {url}",
          "Вебхук бота {bot} ведёт на {url}", _HOOKS),
    Fault("hook_secret", looks.hook_status("403"), "the webhook of the {bot} bot was set without our secret ({said})",
          "Вебхук бота {bot} поставлен без нашего секрета ({said})", _HOOKS),
    Fault("hook_protected", looks.hook_status("401"),
          "Vercel's protection stands before the webhook of the {bot} bot ({said})",
          "Перед вебхуком бота {bot} стоит защита Vercel ({said})", "vercel env add PUBLIC_URL production"),
    Fault("hook_updates", looks.hook_updates, "the {bot} bot is not sent: {missing}",
          "Бот {bot} не получает: {missing}", _HOOKS),
    Fault("hook_error", looks.hook_error, "Telegram could not deliver to the {bot} bot within the hour: {said}",
          "За последний час Телеграм не смог доставить боту {bot}: {said}", "vercel logs {url}"),
    Fault("hook_pending", looks.hook_pending, "{number} updates wait for the {bot} bot",
          "Боту {bot} не доставлено сообщений: {number}", "python -m ops webhooks --show"),
    Fault("pooled_for_migrations", looks.when(looks.pooled_for_migrations),
          "migrations would go through the pooler: DATABASE_URL_UNPOOLED is not the direct address",
          "Миграции пойдут через пулер: DATABASE_URL_UNPOOLED не прямой адрес", _DIRECT),
    Fault("direct_for_functions", looks.when(looks.direct_for_functions),
          "the functions come past the pooler: the host of their address has no -pooler",
          "Функции идут мимо пулера: в их адресе нет -pooler", _POOLED),
    Fault("database_away", looks.database_away, "Postgres does not let us in: {said}",
          "Postgres не пускает: {said}", _POOLED),
    Fault("comes_as_owner", looks.role("is_owner"),
          "the functions come as {role}, who owns the tables: no shop is walled off from another",
          "Функции подключаются к базе как {role}, владелец таблиц: магазины не отгорожены друг от друга", _APP),
    Fault("bypasses_walls", looks.role("is_unwalled"), "row-level security does not hold {role}",
          "Защита строк не действует на роль {role}", _WALLED),
    Fault("migration_pending", looks.migrations("pending"), "{number} migrations are not applied, the first is {first}",
          "Не применено миграций: {number}, первая из них {first}", _MIGRATE),
    Fault("migration_edited", looks.migrations("edited"), "{first} was edited after it was applied",
          "{first} изменили после того, как применили", "git checkout -- sql/migrations"),
    Fault("migration_unknown", looks.migrations("unknown"), "the database is newer than this code: {first}",
          "База новее этого кода: {first}", "git pull"),
    Fault("code_old", looks.code_old, "the deployed code ends with {told}, this one with {newest}",
          "Развёрнут старый код: его последняя миграция {told}, а здесь уже {newest}", _DEPLOY),
    Fault("region_far", looks.region_far,
          "a round trip from {region} to Postgres takes {ms} ms, and 1 to 5 in one region",
          "Из {region} до Postgres и обратно {ms} мс, а в одном регионе 1–5", _REGION),
    Fault("cron_missing", looks.cron_missing, "the minute's cron has not come for at least {minutes} min",
          "Ежеминутный крон не приходил по меньшей мере {minutes} мин", _DEPLOY),
    Fault("cron_too_often", looks.cron_too_often, "Hobby refuses a cron more often than daily: {cron}",
          "Тариф Hobby не берёт крон чаще раза в день: {cron}", _DAILY),
    Fault("functions_too_many", looks.functions_too_many, "Hobby takes 12 functions, there are {number}",
          "Hobby принимает 12 функций, а их {number}", "ls api"),
    Fault("clock", looks.clock, "this clock and the deployment's differ by {seconds} s",
          "Здешние часы расходятся с часами бота на {seconds} с", "sudo timedatectl set-ntp true"),
    Fault("redis_away", looks.redis("away"), "Redis does not answer: {said}", "Redis не отвечает: {said}",
          "vercel env add UPSTASH_REDIS_REST_URL production"),
    Fault("redis_token", looks.redis("token"), "Redis does not accept the token: {said}",
          "Redis не принимает токен: {said}", "vercel env add UPSTASH_REDIS_REST_TOKEN production"),
    Fault("redis_read_only", looks.redis("read_only"), "the token of Redis may only read: {said}",
          "Токен Redis разрешает только читать: {said}", "vercel env add UPSTASH_REDIS_REST_TOKEN production"),
    Fault("redis_evicts", looks.redis_evicts, "a full Redis throws away conversations ({policy})",
          "Когда Redis заполнится, он выбросит разговоры ({policy})",
          "open https://console.upstash.com and switch eviction off"),
    Fault("blob_refused", looks.blob("refused"), "the store of files does not work: {said}",
          "Хранилище файлов не работает: {said}", "vercel env add BLOB_READ_WRITE_TOKEN production"),
    Fault("blob_public", looks.blob("public"), "the store of files is a public one: {said}",
          "Хранилище файлов открыто для всех: {said}", "vercel blob create-store lotok --access private"),
    Fault("storage_local", looks.when(looks.storage_local), "STORAGE_TYPE is local on Vercel, where no file stays",
          "STORAGE_TYPE=local на Vercel, а там файлы не остаются", "vercel env rm STORAGE_TYPE production"),
    Fault("no_admins", looks.when(lambda sight: not sight.knows("ADMIN_IDS")),
          "ADMIN_IDS is empty: nobody hears of alarms", "ADMIN_IDS пуст: о сбоях никто не узнает",
          "vercel env add ADMIN_IDS production"),
    Fault("admin_stranger", looks.strangers, "the admin bot cannot write to {id}, who has not pressed Start in it",
          "Бот администратора не может написать {id}: там ещё не нажали «Старт»",
          "open https://t.me/{username} and press Start", local=True),
    Fault("kie_refused", looks.key_refused("kie"), "KIE.ai refuses KIE_API_KEY ({status})",
          "KIE.ai не принимает KIE_API_KEY ({status})", "vercel env add KIE_API_KEY production"),
    Fault("openai_refused", looks.key_refused("openai"), "OPENAI_API_KEY is refused ({status})",
          "OPENAI_API_KEY не принимают ({status})", "vercel env add OPENAI_API_KEY production"),
    Fault("plan_used", looks.plan_used, "{percent} % of the month's {name} are used up",
          "Израсходовано {percent} % месячного лимита {name}", "vercel env add PLAN_LIMITS production", "advice"),
    Fault("no_metrics_token", looks.when(lambda sight: not sight.knows("METRICS_TOKEN")),
          "METRICS_TOKEN is not set: nobody can read the figures", "METRICS_TOKEN не задан: показатели никому не видны",
          _SECRET.format(name="METRICS_TOKEN"), "advice"),
    Fault("settings_hidden", looks.hidden,
          "not looked at, as Vercel shows them to nobody: {names}",
          "Не проверено, потому что Vercel этого не показывает: {names}",
          "python -m ops doctor --env-file .env.production", "advice"),
    Fault("backup_stale", looks.backup_stale, "no backup has been restored for {days} days",
          "Дней без проверенной резервной копии: {days}", "python -m ops backup test", "advice"),
)
# fmt: on
