"""Each fault of an installation, made in a sight of one in good health, is found, and nothing else is."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lib import config
from lib.migrations import Status
from ops import VERBS
from ops.doctor import faults, looks, seeing
from ops.doctor.sight import BaseSight, BotSight, InstallationSight, RedisSight, SiteSight

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
URL = "https://lotok.example"
UPDATES = ("message", "callback_query")
ENV = {
    "DATABASE_URL": "postgresql://lotok_app:p@ep-a-1-pooler.eu-central-1.aws.neon.tech/lotok",
    "DATABASE_URL_UNPOOLED": "postgresql://owner:p@ep-a-1.eu-central-1.aws.neon.tech/lotok",
    "UPSTASH_REDIS_REST_URL": "https://a.upstash.io",
    "UPSTASH_REDIS_REST_TOKEN": "token",
    "PUBLIC_URL": URL,
    "STUDIO_BOT_TOKEN": f"111111:{'a' * 35}",
    "ADMIN_IDS": "5",
    "METRICS_TOKEN": "m" * 16,
    "HOME": "/home/alice",
    "KV_REST_API_READ_ONLY_TOKEN": "of Vercel's integration",
    **dict.fromkeys(looks.SECRETS, "s" * 16),
}
MARKS = {"webhook_secret": "aa", "cron_secret": "bb"}
WHO = {"role": "lotok_app", "is_owner": False, "is_unwalled": False}


def hook(bot="studio", **changes):
    return {"url": f"{URL}/api/telegram/{bot}", "pending_update_count": 0, "allowed_updates": [*UPDATES], **changes}


def healthy(**changes):
    whole = {
        "database": {"round_trip_ms": 2.5},
        "deployment": {"migration": "0002_b", "region": "fra1", "secrets": MARKS},
    }
    known = {
        "env": ENV,
        "now": NOW,
        "hosting": "pro",
        "crons": ("* * * * *",),
        "functions": 7,
        "updates": UPDATES,
        "newest": "0002_b",
        "bots": {"studio": BotSight(1, "studio_bot", hook=hook()), "admin": BotSight(2, "a_bot", hook=hook("admin"))},
        "site": SiteSight(is_vercel=True, date=NOW, whole=whole),
        "base": BaseSight("", WHO, (Status("0001_a", "applied"), Status("0002_b", "applied"))),
        "redis": RedisSight("", "noeviction", NOW.timestamp() - 60, True),
        "keys": {"kie": 200, "openai": 200},
        "plan": {"neon_hours": 0.2},
        "backup_at": int(NOW.timestamp()) - 86_400,
        "marks": MARKS,
    }
    return InstallationSight(**{**known, **changes})


def env(**changes):
    return healthy(env={name: value for name, value in {**ENV, **changes}.items() if value is not None})


def bot(**changes):
    return healthy(bots={"studio": replace(BotSight(1, "studio_bot", hook=hook()), **changes)})


def hooked(**changes):
    return bot(hook=hook(**changes))


def error(said, ago=60):
    return hooked(last_error_message=said, last_error_date=int(NOW.timestamp()) - ago)


def site(**changes):
    return healthy(site=replace(healthy().site, **changes))


def told(**changes):
    whole = healthy().site.whole
    return site(whole={**whole, "deployment": {**whole["deployment"], **changes}})


def who(**changes):
    return healthy(base=replace(healthy().base, who={**WHO, **changes}))


def moved(*migrations):
    return healthy(base=replace(healthy().base, migrations=migrations))


def redis(**changes):
    return healthy(redis=replace(healthy().redis, **changes))


def complaint(**settings):
    loaded = config.Config({"LOTOK_ENV": "production", **ENV, **settings})
    return healthy(complaints=tuple(loaded.complaints()))


PLAIN = replace(
    env(PUBLIC_URL="http://a.example"), bots=bot(hook=hook(url="http://a.example/api/telegram/studio")).bots
)
PREVIEW = {"LOTOK_ENV": "preview", "PRODUCTION_DATABASE_HOST": "ep-a-1.eu-central-1.aws.neon.tech"}

CASES = [
    ("setting_missing", complaint(PUBLIC_URL=""), "PUBLIC_URL is not set", "vercel env add PUBLIC_URL production"),
    ("setting_odd", complaint(ADMIN_IDS="alice"), "ADMIN_IDS must be", "vercel env add ADMIN_IDS production"),
    ("name_misspelt", env(STORAGE_TYP="local"), "did you mean STORAGE_TYPE?", "env add STORAGE_TYPE"),
    ("secret_missing", env(CRON_SECRET=None), "CRON_SECRET is not set", "openssl rand"),
    ("no_bot", healthy(bots={}), "No bot", "STUDIO_BOT_TOKEN"),
    ("token_refused", bot(id=0, error="Unauthorized"), "(Unauthorized)", "vercel env add STUDIO_BOT_TOKEN"),
    ("address_not_https", PLAIN, "not https", "PUBLIC_URL"),
    ("address_away", site(error="timed out"), "Nothing answers at https://lotok.example: timed out", "vercel deploy"),
    ("address_stranger", site(is_ours=False), "Something other", "vercel env add PUBLIC_URL"),
    ("token_differs", site(status=403, whole={}), "ADMIN_API_TOKEN", "python -m ops setup"),
    ("secret_differs", told(secrets={"webhook_secret": "zz", "new": "y"}), "another WEBHOOK_SECRET", "vercel deploy"),
    ("hook_missing", hooked(url=""), "The studio bot has no webhook", "python -m ops webhooks"),
    ("hook_elsewhere", hooked(url="https://old.example/api/telegram/studio"), "old.example", "ops webhooks"),
    ("hook_elsewhere", hooked(url=f"{URL}/api/telegram/client"), "telegram/client", "ops webhooks"),
    ("hook_secret", error("Wrong response from the webhook: 403 Forbidden"), "without our secret", "ops webhooks"),
    ("hook_protected", error("Wrong response from the webhook: 401 Unauthorized"), "protection", "PUBLIC_URL"),
    (
        "hook_updates",
        hooked(allowed_updates=["message"]),
        "the studio bot: callback_query",
        "ops webhooks",
    ),
    ("hook_updates", bot(hook={"url": hook()["url"]}), "callback_query, message", "ops webhooks"),
    ("hook_error", error("Connection timed out"), "Connection timed out", f"vercel logs {URL}"),
    ("hook_pending", hooked(pending_update_count=101), "bot: 101", "ops webhooks --show"),
    ("pooled_for_migrations", env(DATABASE_URL_UNPOOLED=None), "through the pooler", "DATABASE_URL_UNPOOLED"),
    ("pooled_for_migrations", env(DATABASE_URL_UNPOOLED=ENV["DATABASE_URL"]), "pooler", "DATABASE_URL_UNPOOLED"),
    ("direct_for_functions", env(DATABASE_URL=ENV["DATABASE_URL_UNPOOLED"]), "bypass the pooler", "DATABASE_URL"),
    ("database_away", healthy(base=BaseSight("password failed")), "password failed", "DATABASE_URL"),
    (
        "comes_as_owner",
        who(role="owner", is_owner=True, is_unwalled=True),
        "connect as owner",
        "python -m ops setup",
    ),
    ("bypasses_walls", who(is_unwalled=True), "does not apply to lotok_app", "alter role lotok_app"),
    ("migration_pending", moved(Status("0002_b", "pending")), "not applied: 1,", "ops migrate"),
    ("migration_edited", moved(Status("0001_a", "edited")), "edited after it was applied: 0001_a", "git checkout"),
    ("migration_unknown", moved(Status("0003_c", "unknown")), "newer than this code: it has 0003_c", "git pull"),
    ("code_old", told(migration="0001_a"), "ends with 0001_a, and this one with 0002_b", "vercel deploy --prod"),
    (
        "region_far",
        site(whole={**healthy().site.whole, "database": {"round_trip_ms": 91.4}}),
        "A round trip from fra1 to Postgres takes 91 ms",
        "regions",
    ),
    ("cron_missing", redis(cron_at=0.0, is_often=False), "not once within the last day", "vercel deploy"),
    ("cron_missing", redis(cron_at=NOW.timestamp() - 1800), "was 30 min ago", "vercel deploy"),
    ("cron_too_often", healthy(hosting="hobby"), "* * * * *", "sed -i"),
    ("functions_too_many", healthy(hosting="hobby", functions=13, crons=()), "there are 13", "ls api"),
    ("clock", site(date=NOW - timedelta(seconds=90)), "differ by 90 s", "timedatectl"),
    ("redis_away", redis(error="ConnectError"), "ConnectError", "UPSTASH_REDIS_REST_URL"),
    ("redis_token", redis(error="401 WRONGPASS invalid or missing auth token"), "WRONGPASS", "REST_TOKEN"),
    ("redis_read_only", redis(error="NOPERM this user has no permissions"), "NOPERM", "REST_TOKEN"),
    ("redis_evicts", redis(policy="allkeys-random"), "allkeys-random", "console.upstash.com"),
    ("blob_refused", healthy(blob="BlobAccessError Access denied"), "Access denied", "BLOB_READ_WRITE_TOKEN"),
    ("blob_public", healthy(blob="Cannot use private access on a public store"), "is open to everybody", "blob"),
    ("storage_local", env(STORAGE_TYPE="local"), "no file stays", "STORAGE_TYPE"),
    ("no_admins", env(ADMIN_IDS=None), "ADMIN_IDS is empty", "ADMIN_IDS"),
    ("admin_stranger", healthy(strangers=(5,)), "cannot write to 5", "https://t.me/a_bot"),
    ("kie_refused", healthy(keys={"kie": 401}), "(401)", "KIE_API_KEY"),
    ("openai_refused", healthy(keys={"openai": 401}), "(401)", "OPENAI_API_KEY"),
    ("plan_used", healthy(plan={"redis_commands": 0.71}), "limit of redis_commands, 71 %", "PLAN_LIMITS"),
    ("no_metrics_token", env(METRICS_TOKEN=None), "METRICS_TOKEN", "vercel env add METRICS_TOKEN"),
    ("settings_hidden", healthy(hidden=frozenset({"KIE_API_KEY"})), "KIE_API_KEY", "--env-file .env.production"),
    ("backup_stale", healthy(backup_at=int(NOW.timestamp()) - 9 * 86_400), "9 days", "python -m ops backup test"),
    ("preview_on_production", complaint(**PREVIEW, PUBLIC_URL="https://p.example"), "points at the production", "rm"),
    (
        "token_twice",
        healthy(bots={bot: BotSight(1, "b", hook=hook(bot)) for bot in ("studio", "client")}),
        "The client bot and the studio bot",
        "CLIENT_BOT_TOKEN",
    ),
]


def test_nothing_is_wrong_with_a_healthy_one():
    assert faults.find(healthy()) == []


@pytest.mark.parametrize(("name", "sight", "said", "mend"), CASES, ids=[case[0] for case in CASES])
def test_a_fault_is_found_alone_with_what_mends_it(name, sight, said, mend):
    found = faults.find(sight)
    assert {one.name for one in found} == {name}
    assert said in found[0].what
    assert mend in found[0].mend


def test_every_fault_is_made_here_and_there_are_more_than_thirty():
    assert {case[0] for case in CASES} == {fault.name for fault in faults.FAULTS}
    assert len(faults.FAULTS) == len({fault.name for fault in faults.FAULTS}) > 30


@pytest.mark.parametrize(("name", "sight"), [case[:2] for case in CASES], ids=[case[0] for case in CASES])
def test_every_fault_has_russian_words_with_the_same_facts(name, sight):
    for english, russian in zip(faults.find(sight), faults.find(sight, "ru"), strict=True):
        assert re.search("[а-яё]", russian.what, re.IGNORECASE)
        assert english.what[0].isupper()
        assert russian.what[0].isupper()
        assert english.mend == russian.mend
    fault = next(one for one in faults.FAULTS if one.name == name)
    names = [{*re.findall(r"\{(\w+)\}", words)} for words in (fault.en, fault.ru)]
    assert names[0] == names[1] - {"name"} or names[0] == names[1]


def test_every_verb_that_a_mending_command_names_is_there():
    verbs = {verb for fault in faults.FAULTS for verb in re.findall(r"python -m ops (\S+)", fault.mend)}
    assert verbs
    assert verbs <= {*VERBS}


@pytest.mark.parametrize(
    "sight",
    [
        error("Connection timed out", ago=7200),
        hooked(pending_update_count=100),
        site(date=NOW - timedelta(seconds=29)),
        healthy(hosting="hobby", crons=("0 3 * * *",), functions=12, redis=RedisSight("", "", 0.0)),
        healthy(hosting="", redis=RedisSight("", "volatile-ttl", NOW.timestamp() - 3600, is_often=False)),
        healthy(hosting="", crons=("0 3 * * *",), redis=RedisSight("", "volatile-ttl", 0.0)),
        healthy(environment="preview", redis=RedisSight("", "volatile-ttl", 0.0)),
        healthy(plan={"neon_hours": 0.69}),
        healthy(backup_at=0),
        healthy(site=None, base=None, redis=None),
        env(STORAGE_TYPE="blob"),
        healthy(keys={"kie": 500, "openai": 0}),
        told(migration="0003_c"),
    ],
    ids=[
        "old-error",
        "100-wait",
        "29-s",
        "hobby",
        "daily",
        "new",
        "preview",
        "69%",
        "no-backup",
        "unseen",
        "blob",
        "away",
        "newer",
    ],
)
def test_what_is_within_its_limits_is_no_fault(sight):
    assert faults.find(sight) == []


def test_the_owners_address_is_not_taken_for_that_of_the_functions_which_is_hidden():
    """Neon's DATABASE_URL is the owner's, and may be direct."""
    seen = replace(
        who(role="owner", is_owner=True, is_unwalled=True),
        env={**ENV, "DATABASE_URL": ENV["DATABASE_URL_UNPOOLED"]},
        hidden=frozenset({"LOTOK_DATABASE_URL"}),
    )
    assert [one.name for one in faults.find(seen)] == ["settings_hidden"]
    assert {"comes_as_owner", "direct_for_functions"} <= {
        one.name for one in faults.find(replace(seen, hidden=frozenset()))
    }


def test_what_is_set_and_hidden_is_not_called_missing():
    names = [*looks.SECRETS, "METRICS_TOKEN", "ADMIN_IDS", "STUDIO_BOT_TOKEN", "UPSTASH_REDIS_REST_TOKEN"]
    without = {name: value for name, value in ENV.items() if name not in names}
    complaints = tuple(config.Config({"LOTOK_ENV": "production", **without}).complaints())
    assert "UPSTASH_REDIS_REST_TOKEN or KV_REST_API_TOKEN is not set" in complaints
    seen = healthy(env=without, bots={}, complaints=complaints, hidden=frozenset(names))
    assert [(one.name, one.level) for one in faults.find(seen)] == [("settings_hidden", "advice")]
    assert {"setting_missing", "secret_missing", "no_bot", "no_admins"} <= {
        one.name for one in faults.find(replace(seen, hidden=frozenset()))
    }


@pytest.mark.parametrize(
    ("sight", "mend"),
    [
        (env(CRON_SECRET=None), "sudo nano /etc/lotok/env && sudo lotok restart   # CRON_SECRET"),
        (hooked(url=""), "sudo lotok webhooks"),
        (told(migration="0001_a"), "git pull && ops/deploy/vps/update.sh root@..."),
        (told(secrets={"webhook_secret": "zz"}), "sudo lotok restart"),
        (error("Connection timed out"), "journalctl -u 'lotok-*' --since -1h"),
        (healthy(site=SiteSight(error="refused")), "sudo lotok monitor"),
    ],
)
def test_a_servers_owner_reads_what_to_type_there(sight, mend):
    at_home = replace(sight, env={**sight.env, "BACKUP_KEY": "/etc/lotok/backup.key"})
    assert [one.mend for one in faults.find(at_home)] == [mend]


@pytest.mark.parametrize(
    ("sight", "at_home", "by_hand"),
    [
        (
            complaint(ADMIN_IDS="alice"),
            "nano .env.production && python -m ops setup   # ADMIN_IDS",
            "vercel env add ADMIN_IDS production --force && vercel deploy --prod",
        ),
        (
            env(CRON_SECRET=None),
            "python -m ops setup",
            "openssl rand -hex 24 | vercel env add CRON_SECRET production --force && vercel deploy --prod",
        ),
        (told(secrets={"webhook_secret": "zz"}), "python -m ops setup", "vercel deploy --prod"),
    ],
)
def test_a_setting_is_changed_where_it_is_kept(sight, at_home, by_hand):
    """The wizard's file goes before Vercel; and Vercel adds no variable twice, nor to what is deployed."""
    assert [one.mend for one in faults.find(replace(sight, has_file=True))] == [at_home]
    assert [one.mend for one in faults.find(sight)] == [by_hand]


def test_a_role_that_is_not_ours_is_left_and_not_altered():
    """Without a superuser nobody can: `alter role` is refused to an owner."""
    assert faults.find(who(role="made_in_a_console", is_unwalled=True))[0].mend == "python -m ops setup"
    assert "alter role lotok_app nosuperuser" in faults.find(who(is_unwalled=True))[0].mend


PLACES = {
    "server": {"BACKUP_KEY": "/etc/lotok/backup.key"},
    "kubernetes": {"WORKER_URL": "http://{worker}:8000", "KUBERNETES_SERVICE_HOST": "10.0.0.1"},
    "compose": {"WORKER_URL": "http://{worker}:8000"},
}


@pytest.mark.parametrize(
    ("place", "sight", "mend"),
    [
        (
            "kubernetes",
            env(CRON_SECRET=None),
            "kubectl -n lotok edit secret lotok && kubectl -n lotok rollout restart deploy   # CRON_SECRET",
        ),
        ("kubernetes", hooked(url=""), "kubectl -n lotok exec deploy/web -- python -m ops webhooks"),
        ("compose", hooked(url=""), "docker compose -f ops/deploy/compose.yaml exec web python -m ops webhooks"),
        (
            "compose",
            env(CRON_SECRET=None),
            "nano ops/deploy/.env.production && docker compose -f ops/deploy/compose.yaml up -d   # CRON_SECRET",
        ),
        (
            "server",
            site(whole={"database": {"round_trip_ms": 57}, "deployment": {"region": ""}}),
            "sudo lotok monitor",
        ),
    ],
)
def test_who_runs_it_otherwise_reads_what_to_type_there(place, sight, mend):
    there = replace(sight, env={**sight.env, **PLACES[place]})
    assert there.place == place
    assert [one.mend for one in faults.find(there)] == [mend]


def test_a_round_trip_from_no_region_is_one_from_the_address():
    near = site(whole={"database": {"round_trip_ms": 57}, "deployment": {"region": ""}})
    assert faults.find(near)[0].what.startswith("A round trip from lotok.example to Postgres takes 57 ms")


@pytest.mark.parametrize("place", PLACES)
def test_no_command_for_vercel_is_left_elsewhere(place):
    for case in CASES:
        if case[0] not in ("preview_on_production", "blob_public", "storage_local", "blob_refused"):
            at_home = replace(case[1], env={**case[1].env, **PLACES[place]})
            mends = [one.mend for one in faults.find(at_home)]
            assert not [
                one
                for one in mends
                if re.search(r"\bvercel |vercel.json|ops setup|lotok setup", one) and case[0] != "cron_too_often"
            ], case[0]


def test_a_mend_is_a_command_and_no_sentence_of_one_language():
    for fault in faults.FAULTS:
        assert not re.search(r"\b(and|then|switch|edit|press)\b", fault.mend.partition("#")[0]), fault.name


def test_what_lies_in_the_nature_of_a_local_stack_is_a_note():
    sight = replace(healthy(strangers=(5,)), env=ENV | {"PUBLIC_URL": "http://127.0.0.1:4001"}, environment="local")
    levels = {one.name: one.level for one in faults.find(sight)}
    assert levels["address_not_https"] == levels["admin_stranger"] == "note"


def test_what_can_wait_is_advice():
    assert [one.level for one in faults.find(healthy(plan={"neon_gb": 0.9}))] == ["advice"]


@pytest.mark.parametrize(
    ("info", "policy"),
    [
        ({"result": "# Memory\r\nmaxmemory_policy:allkeys-lru\r\nused_memory:1\r\n"}, "allkeys-lru"),
        ({"error": "ERR unknown command"}, ""),
    ],
)
def test_a_redis_that_does_not_tell_its_policy_is_not_judged(info, policy):
    found = seeing.read_redis([{"result": "OK"}, {"result": "1763640000:1"}, info])
    assert (found.error, found.policy, found.cron_at, found.is_often) == ("", policy, 1763640000.0, True)
    assert seeing.read_redis([{"error": "NOPERM"}, {"result": None}, info]).error == "NOPERM"
