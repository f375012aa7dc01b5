"""The faults that the doctor finds: a row each, with its words in English and Russian and the command that mends it.

The order is that in which one mends: a missing setting explains much of what follows.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ops import complaints
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
            told = {**facts, "said": complaints.say(language, str(facts.get("said", "")))}
            words = (fault.ru if language == "ru" else fault.en).format(**told)
            mend = fault.mend.format(**facts)
            level = "note" if is_note else fault.severity
            yield Finding(fault.name, level, words, _at(sight.place, fault, mend))


def _at(place: str, fault: Fault, mend: str) -> str:
    """Return what is typed there in place of a command for Vercel."""
    own, ways = _PLACES[place]
    if fault.name in own:
        return own[fault.name]
    for pattern, way in ways:
        mend = re.sub(pattern, way, mend)
    return mend


_ENV = "vercel env add {name} production"
_SECRET = "openssl rand -hex 24 | vercel env add {name} production"
_HOOKS, _MIGRATE, _DEPLOY = "python -m ops webhooks", "python -m ops migrate", "vercel deploy --prod"
_APP = "python -m ops setup"
_POOLED, _DIRECT = "vercel env add LOTOK_DATABASE_URL production", "vercel env add DATABASE_URL_UNPOOLED production"
_REGION = f'nano vercel.json && {_DEPLOY}   # "regions"'
_DAILY = """sed -i 's/"[*] [*] [*] [*] [*]"/"0 3 * * *"/' vercel.json"""

_EDIT = "sudo nano /etc/lotok/env"
_OWN = {
    "address_away": "sudo lotok monitor",
    "cron_missing": "journalctl -u lotok-drain -n 50",
    # what was changed in the file, and not taken over yet
    "secret_differs": "sudo lotok restart",
    "token_differs": "sudo lotok restart",
    "comes_as_owner": f"{_EDIT} && sudo lotok migrate --app-password && sudo lotok restart   # DATABASE_URL: lotok_app",
    "bypasses_walls": 'sudo -u postgres psql -c "alter role lotok_app nosuperuser nobypassrls"',
    "region_far": "sudo lotok monitor",
    "redis_evicts": "valkey-cli config set maxmemory-policy volatile-ttl && valkey-cli config rewrite",
}
_SETTING = r"(?:openssl rand -hex 24 \| )?vercel env (?:add|rm) (\w+) \w+"
_THERE = (
    (_SETTING, rf"{_EDIT} && sudo lotok restart   # \1"),
    (r"vercel deploy --prod", "git pull && ops/deploy/vps/update.sh root@..."),
    (r"vercel logs \S+", "journalctl -u 'lotok-*' --since -1h"),
    (r"python -m ops", "sudo lotok"),
)

_KUBE, _COMPOSE = "kubectl -n lotok", "docker compose -f ops/deploy/compose.yaml"
_SECRET_OF_PODS = f"{_KUBE} edit secret lotok && {_KUBE} rollout restart deploy"
_IN_PODS = {
    "address_away": f"{_KUBE} get pods,ingress",
    "cron_missing": f"{_KUBE} logs deploy/drain --tail=50",
    "secret_differs": f"{_KUBE} rollout restart deploy",
    "token_differs": f"{_KUBE} rollout restart deploy",
    "comes_as_owner": f"{_SECRET_OF_PODS}   # DATABASE_URL: lotok_app",
    "region_far": f"{_KUBE} get nodes -o wide",
}
_SETTINGS_OF_COMPOSE = f"nano ops/deploy/.env.production && {_COMPOSE} up -d"
_IN_COMPOSE = {
    "address_away": f"{_COMPOSE} ps",
    "cron_missing": f"{_COMPOSE} logs --tail=50 drain",
    "secret_differs": f"{_COMPOSE} up -d",
    "token_differs": f"{_COMPOSE} up -d",
    "comes_as_owner": f"{_COMPOSE} up -d migrate",
    "region_far": f"{_COMPOSE} top",
    "redis_evicts": f"{_COMPOSE} exec valkey valkey-cli config set maxmemory-policy volatile-ttl",
}
# Where the wizard has a file, its value goes before that of Vercel: it is changed there, and the wizard hands it over.
_BY_WIZARD = (
    (r"openssl rand -hex 24 \| vercel env add \w+ production", _APP),
    (r"vercel env add (\w+) production", rf"nano .env.production && {_APP}   # \1"),
)
# A variable that is there already is not added again, and none is known to what was deployed before.
_ON_VERCEL = ((r"vercel env add (\w+) production", rf"vercel env add \1 production --force && {_DEPLOY}"),)
_PLACES: dict[str, tuple[dict[str, str], tuple[tuple[str, str], ...]]] = {
    "": ({}, _ON_VERCEL),
    "wizard": ({"secret_differs": _APP}, _BY_WIZARD),
    "server": (_OWN, _THERE),
    "kubernetes": (
        _IN_PODS,
        (
            (_SETTING, rf"{_SECRET_OF_PODS}   # \1"),
            (r"vercel deploy --prod", "kubectl apply -k ops/deploy/kubernetes/overlays/small"),
            (r"vercel logs \S+", f"{_KUBE} logs deploy/web --since=1h"),
            (r"python -m ops", f"{_KUBE} exec deploy/web -- python -m ops"),
        ),
    ),
    "compose": (
        _IN_COMPOSE,
        (
            (_SETTING, rf"{_SETTINGS_OF_COMPOSE}   # \1"),
            (r"vercel deploy --prod", f"git pull && {_COMPOSE} up -d --build"),
            (r"vercel logs \S+", f"{_COMPOSE} logs --since=1h web"),
            (r"python -m ops", f"{_COMPOSE} exec web python -m ops"),
        ),
    ),
}

# fmt: off
FAULTS = (
    Fault("setting_missing", looks.complaints("missing"), "{name} is not set", "Настройка {name} не задана", _ENV),
    Fault("setting_odd", looks.complaints("odd"), "{said}", "{said}", _ENV),
    Fault("preview_on_production", looks.complaints("preview"), "{said}", "{said}", "vercel env rm {name} preview"),
    Fault("name_misspelt", looks.misspelt, "There is no setting {name}; did you mean {near}?",
          "Настройки {name} нет. Может быть, {near}?", "vercel env add {near} production"),
    Fault("secret_missing", looks.secret_missing, "{name} is not set, so everything it guards is closed to everybody",
          "{name} не задан, поэтому всё, что он охраняет, закрыто для всех", _SECRET),
    Fault("no_bot", looks.when(looks.no_bot), "No bot has a token",
          "Ни у одного бота нет токена", "vercel env add STUDIO_BOT_TOKEN production"),
    Fault("token_refused", looks.token_refused, "Telegram does not accept {name} ({said})",
          "Телеграм не принимает {name} ({said})", _ENV),
    Fault("token_twice", looks.token_twice, "The {bot} bot and the {other} bot share one token",
          "У ботов {bot} и {other} один и тот же токен", _ENV),
    Fault("address_not_https", looks.when(lambda sight: sight.public.startswith("http://")),
          "PUBLIC_URL is not https, and Telegram calls nothing else",
          "PUBLIC_URL начинается не с https, а Телеграм обращается только так", "vercel env add PUBLIC_URL production",
          local=True),
    Fault("address_away", looks.address_away, "Nothing answers at {url}: {said}",
          "По адресу {url} никто не отвечает: {said}", _DEPLOY),
    Fault("address_stranger", looks.address_stranger, "Something other than Lotok answers at {url}",
          "По адресу {url} отвечает не Лоток", "vercel env add PUBLIC_URL production"),
    Fault("token_differs", looks.when(looks.token_differs),
          "The deployment has another ADMIN_API_TOKEN than this computer, so it says nothing about itself",
          "На сервере другой ADMIN_API_TOKEN, чем здесь, поэтому он ничего о себе не сообщает", _APP),
    Fault("secret_differs", looks.secret_differs, "The deployment has another {name} than this computer",
          "На сервере другой {name}, чем здесь", _DEPLOY),
    Fault("hook_missing", looks.hook_missing, "The {bot} bot has no webhook", "У бота {bot} нет вебхука", _HOOKS),
    Fault("hook_elsewhere", looks.hook_elsewhere, "The webhook of the {bot} bot leads elsewhere, to {url}",
          "Вебхук бота {bot} ведёт не сюда, а на {url}", _HOOKS),
    Fault("hook_secret", looks.hook_status("403"), "The webhook of the {bot} bot was set without our secret ({said})",
          "Вебхук бота {bot} поставлен без нашего секрета ({said})", _HOOKS),
    Fault("hook_protected", looks.hook_status("401"),
          "Vercel's protection stops what Telegram sends to the {bot} bot ({said})",
          "Защита Vercel не пропускает то, что Телеграм шлёт боту {bot} ({said})",
          "vercel env add PUBLIC_URL production"),
    Fault("hook_updates", looks.hook_updates, "Telegram does not send the {bot} bot: {missing}",
          "Телеграм не присылает боту {bot}: {missing}", _HOOKS),
    Fault("hook_error", looks.hook_error, "In the last hour Telegram could not deliver to the {bot} bot: {said}",
          "За последний час Телеграм не смог доставить боту {bot}: {said}", "vercel logs {url}"),
    Fault("hook_pending", looks.hook_pending, "Updates that wait for the {bot} bot: {number}",
          "Сообщений, не доставленных боту {bot}: {number}", "python -m ops webhooks --show"),
    Fault("pooled_for_migrations", looks.when(looks.pooled_for_migrations),
          "Migrations would go through the pooler: DATABASE_URL_UNPOOLED is not the direct address",
          "Миграции пойдут через пулер: DATABASE_URL_UNPOOLED — не прямой адрес", _DIRECT),
    Fault("direct_for_functions", looks.when(looks.direct_for_functions),
          "The functions bypass the pooler: the host of their address has no -pooler",
          "Функции обходят пулер: в их адресе нет -pooler", _POOLED),
    Fault("database_away", looks.database_away, "Postgres does not let us in: {said}",
          "Postgres нас не пускает: {said}", _POOLED),
    Fault("comes_as_owner", looks.role("is_owner"),
          "The functions connect as {role}, which owns the tables, so shops are not kept apart",
          "Функции подключаются к базе как {role}, владелец таблиц: магазины не отгорожены друг от друга", _APP),
    Fault("bypasses_walls", looks.role("is_unwalled"), "Row-level security does not apply to {role}",
          "Защита строк не действует на роль {role}", "{way}"),
    Fault("migration_pending", looks.migrations("pending"), "Migrations not applied: {number}, the first is {first}",
          "Не применено миграций: {number}, первая — {first}", _MIGRATE),
    Fault("migration_edited", looks.migrations("edited"), "A migration was edited after it was applied: {first}",
          "Миграцию изменили после того, как применили: {first}", "git checkout -- sql/migrations"),
    Fault("migration_unknown", looks.migrations("unknown"), "The database is newer than this code: it has {first}",
          "База новее этого кода: в ней есть {first}", "git pull"),
    Fault("code_old", looks.code_old, "The deployed code is old: it ends with {told}, and this one with {newest}",
          "Развёрнут старый код: его последняя миграция — {told}, а здесь — {newest}", _DEPLOY),
    Fault("region_far", looks.region_far,
          "A round trip from {region} to Postgres takes {ms} ms; within one region it takes 1 to 5",
          "Из {region} до Postgres и обратно {ms} мс, а в одном регионе 1–5", _REGION),
    Fault("cron_missing", looks.cron_missing, "The cron of each minute does not come: {said}",
          "Ежеминутный крон не приходит: {said}", _DEPLOY),
    Fault("cron_too_often", looks.cron_too_often, "Hobby refuses a cron that runs more often than once a day: {cron}",
          "Тариф Hobby не принимает крон чаще раза в день: {cron}", _DAILY),
    Fault("functions_too_many", looks.functions_too_many, "Hobby allows 12 functions, and there are {number}",
          "Тариф Hobby допускает 12 функций, а их {number}", "ls api"),
    Fault("clock", looks.clock, "The clocks of this computer and of the deployment differ by {seconds} s",
          "Часы этого компьютера и сервера расходятся на {seconds} с", "sudo timedatectl set-ntp true"),
    Fault("redis_away", looks.redis("away"), "Redis does not answer: {said}", "Redis не отвечает: {said}",
          "vercel env add UPSTASH_REDIS_REST_URL production"),
    Fault("redis_token", looks.redis("token"), "Redis does not accept the token: {said}",
          "Redis не принимает токен: {said}", "vercel env add UPSTASH_REDIS_REST_TOKEN production"),
    Fault("redis_read_only", looks.redis("read_only"), "The token of Redis may only read: {said}",
          "Токен Redis разрешает только читать: {said}", "vercel env add UPSTASH_REDIS_REST_TOKEN production"),
    Fault("redis_evicts", looks.redis_evicts, "When Redis is full, it throws conversations away ({policy})",
          "Когда Redis заполнится, он выбросит разговоры ({policy})",
          "open https://console.upstash.com   # Eviction: off"),
    Fault("blob_refused", looks.blob("refused"), "The file store does not work: {said}",
          "Хранилище файлов не работает: {said}", "vercel env add BLOB_READ_WRITE_TOKEN production"),
    Fault("blob_public", looks.blob("public"), "The file store is open to everybody: {said}",
          "Хранилище файлов открыто для всех: {said}", "vercel blob create-store lotok --access private"),
    Fault("storage_local", looks.when(looks.storage_local), "STORAGE_TYPE is local on Vercel, where no file stays",
          "STORAGE_TYPE=local на Vercel, а там файлы не остаются", "vercel env rm STORAGE_TYPE production"),
    Fault("no_admins", looks.when(lambda sight: not sight.knows("ADMIN_IDS")),
          "ADMIN_IDS is empty, so nobody hears of failures", "ADMIN_IDS пуст: о сбоях никто не узнает",
          "vercel env add ADMIN_IDS production"),
    Fault("admin_stranger", looks.strangers, "The admin bot cannot write to {id}, who has not pressed Start in it",
          "Бот администратора не может написать {id}: там ещё не нажали «Старт»",
          "open https://t.me/{username}   # Start", local=True),
    Fault("kie_refused", looks.key_refused("kie"), "KIE.ai does not accept KIE_API_KEY ({status})",
          "KIE.ai не принимает KIE_API_KEY ({status})", "vercel env add KIE_API_KEY production"),
    Fault("openai_refused", looks.key_refused("openai"), "OpenAI does not accept OPENAI_API_KEY ({status})",
          "OpenAI не принимает OPENAI_API_KEY ({status})", "vercel env add OPENAI_API_KEY production"),
    Fault("plan_used", looks.plan_used, "Of this month's limit of {name}, {percent} % is used up",
          "Лимит месяца {name} израсходован на {percent} %", "vercel env add PLAN_LIMITS production", "advice"),
    Fault("no_metrics_token", looks.when(lambda sight: not sight.knows("METRICS_TOKEN")),
          "METRICS_TOKEN is not set, so nobody can read the figures",
          "METRICS_TOKEN не задан, поэтому показатели никому не видны",
          _SECRET.format(name="METRICS_TOKEN"), "advice"),
    Fault("settings_hidden", looks.hidden, "Not checked, because Vercel shows their values to nobody: {names}",
          "Не проверено, потому что Vercel не показывает эти настройки: {names}",
          "python -m ops doctor --env-file .env.production", "advice"),
    Fault("backup_stale", looks.backup_stale, "No backup has been restored for {days} days",
          "Дней без проверенной резервной копии: {days}", "python -m ops backup test", "advice"),
)
# fmt: on
