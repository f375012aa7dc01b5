"""Each verb says what it does with an example, and fails in one line that gives nothing away."""

import argparse
import asyncio

import pytest

from lib import errors
from ops.__main__ import _parser, main
from ops.neon import addresses, copy, cutover, managed, rollback, verify

VERBS = {"copy": copy, "verify": verify, "cutover": cutover, "rollback": rollback}
AIVEN = "postgresql://avnadmin:hunter2@pg-1.aivencloud.com:12691/defaultdb"
NEON = "postgresql://owner:s3cret@ep-1.eu-central-1.aws.neon.tech/shop"


@pytest.mark.parametrize("name", VERBS)
def test_help_shows_an_example_with_both_addresses_and_the_exit_codes(name):
    text = _parser(name, VERBS[name]).format_help()
    assert f"python -m ops {name} " in text
    assert "Exit codes: 0 " in text
    assert "SOURCE" in text
    assert "TARGET" in text


def test_verify_says_its_own_exit_codes():
    assert "Exit codes: 0 equal, 1 different, 2 could not check" in _parser("verify", verify).format_help()


@pytest.mark.parametrize(
    ("verb", "code"), [(["verify"], 2), (["copy"], 1), (["cutover"], 1), (["rollback"], 1), (["rollback", "--show"], 1)]
)
@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ("postgresql://me:hunter2@127.0.0.1:1/a", "postgresql://me:hunter2@127.0.0.1:1/b", "Connection refused"),
        (AIVEN.replace(":12691", ":6543"), NEON, "is a pooler"),
        (AIVEN, NEON.replace("ep-1.", "ep-1-pooler."), "take -pooler out of the host"),
        (AIVEN, AIVEN, "the same database"),
        ("$NO_SUCH_VARIABLE", NEON, "the variable NO_SUCH_VARIABLE is not set"),
        (AIVEN, "postgresql://[broken", "an address cannot be read"),
    ],
)
async def test_a_verb_fails_in_one_line_without_secrets(capsys, tmp_path, verb, code, source, target, said):
    state = [] if verb[0] == "verify" else ["--state", str(tmp_path)]
    assert await asyncio.to_thread(main, [*verb, source, target, *state]) == code
    printed = capsys.readouterr()
    last = printed.err.strip().splitlines()[-1]
    assert last.startswith(f"ops {verb[0]}: ")
    assert said in last
    assert "Traceback" not in printed.err
    for secret in ("hunter2", "s3cret", "127.0.0.1", "pg-1.", "ep-1"):
        assert secret not in printed.out + printed.err


async def test_a_rollback_of_nothing_says_so(capsys, tmp_path, source, copy_of):
    assert await asyncio.to_thread(main, ["rollback", source, copy_of, "--state", str(tmp_path)]) == 1
    assert "nothing was begun between these two databases" in capsys.readouterr().err


async def test_a_cutover_says_at_once_why_replication_is_not_allowed(capsys, tmp_path, source, copy_of):
    given = ["cutover", source, copy_of, "--state", str(tmp_path), "--app-role", "shop_app"]
    assert await asyncio.to_thread(main, given) == 1
    said = capsys.readouterr().err
    assert "the source has wal_level replica, not logical" in said
    assert "Without replication: --offline" in said


async def test_a_cutover_into_a_full_database_is_refused_before_anybody_is_sent_away(capsys, tmp_path, source, copy_of):
    given = ["cutover", source, copy_of, "--state", str(tmp_path), "--app-role", "shop_app", "--offline", "--yes"]
    assert await asyncio.to_thread(main, given) == 1
    assert "the target holds " in capsys.readouterr().err
    assert not (tmp_path / "dump").exists()


def test_a_variable_holds_an_address(monkeypatch):
    monkeypatch.setenv("OLD_URL", AIVEN)
    with pytest.raises(errors.Misconfigured, match=r"write '\$OLD_URL', in single quotes"):
        addresses.resolve("OLD_URL")
    assert addresses.resolve("$OLD_URL") == addresses.resolve("${OLD_URL}") == addresses.resolve(AIVEN) == AIVEN


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (AIVEN, AIVEN.replace("hunter2", "another"), True),
        (AIVEN, AIVEN.replace("defaultdb", "other"), False),
        (NEON, NEON.replace("/shop", ":5432/shop"), True),
        (NEON, AIVEN, False),
    ],
)
def test_a_database_is_the_same_whoever_logs_in(one, other, same):
    args = argparse.Namespace(source=one, target=other)
    if not same:
        assert addresses.both(args) == (one, other)
        return
    with pytest.raises(errors.Misconfigured, match="the same database"):
        addresses.both(args)


@pytest.mark.parametrize(
    ("roles", "provider", "stays"),
    [
        ({"postgres", "supabase_admin", "anon"}, "Supabase", "auth"),
        ({"cloud_admin", "neondb_owner"}, "Neon", "neon_auth"),
        ({"postgres", "avnadmin"}, "Aiven", "aiven_extras"),
        ({"rdsadmin", "me"}, "RDS", "aws_commons"),
        ({"postgres", "me"}, "", ""),
    ],
)
def test_a_providers_schemas_stay_behind(roles, provider, stays):
    assert managed.provider(roles) == provider
    assert (stays in managed.schemas(roles)) is bool(stays)
    assert managed.schemas(roles, {"postgres"}) == managed.schemas(roles)


def test_no_role_of_an_application_is_taken_for_a_providers():
    assert not {"anon", "authenticated", "service_role", "avnadmin", "neondb_owner", "app"} & set(managed.ROLES)
