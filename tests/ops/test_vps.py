"""ops/deploy/vps: settings reach a program as systemd would hand them over, and no worker is left over."""

import fcntl
import importlib.util
import os
import subprocess
from pathlib import Path

import pytest

COMMON = Path(__file__).parents[2] / "ops/deploy/vps/common.sh"


def seen(tmp_path, text, name):
    (tmp_path / "env").write_text(text, encoding="utf-8")
    script = f'runuser() {{ shift 3; "$@"; }}; . {COMMON}; in_release {tmp_path} printenv {name}'
    env = {"LOTOK_ETC": str(tmp_path), "LOTOK_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.removesuffix("\n")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1, 2", "1, 2"),
        ('A="ООО «Ромашка»"', "ООО «Ромашка»"),
        ("A=p$w`date`&;'x", "p$w`date`&;'x"),
        ("A=postgresql://a:b=c@h/d?x=y", "postgresql://a:b=c@h/d?x=y"),
        ("A=", ""),
    ],
)
def test_a_setting_is_a_line_and_nothing_of_it_is_run(tmp_path, line, value):
    assert seen(tmp_path, f"# A=of a comment\nB=x\n{line}\nC=y\n", "A") == value
    assert seen(tmp_path, f"B=x\n{line}", "A") == value, "also the last, without an end"


@pytest.mark.parametrize(
    ("settings", "stopped"),
    [
        ("", ["render@2", "render@3", "web@3"]),
        ("RENDER_WORKERS=2\nWEB_PROCESSES=3", ["render@3"]),
        ("RENDER_WORKERS=3\nWEB_PROCESSES=1", ["web@3"]),
        ("RENDER_WORKERS=x\nWEB_PROCESSES=10", ["render@2", "render@3", "web@3"]),
    ],
)
def test_processes_of_a_time_when_there_were_more_are_stopped(tmp_path, settings, stopped):
    (tmp_path / "env").write_text(f"{settings}\n")
    pretend = 'has_systemd() { false; }; runs() { [ "${1##*@}" -le 3 ]; }; unit() { echo "$1 $2"; }'
    env = {"LOTOK_ETC": str(tmp_path), "LOTOK_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    script = f". {COMMON}; {pretend}; stop_surplus"
    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"stop lotok-{name}" for name in stopped]


def proxy(word):
    script = [str(COMMON.with_name("proxy.sh")), "--dry-run"]
    path = {"PATH": "/usr/bin:/bin"}  # where no wrapper stands before python3
    return subprocess.run(["bash", *script, word], env=path, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("word", ["--help", "-x.ru", "bots", "a.example/x", ""])
def test_the_proxys_file_is_written_for_nothing_but_a_domain(word):
    done = proxy(word)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"'{word}' is no domain" in done.stderr


def test_the_proxys_file_is_written_for_a_domain():
    assert "would write /etc/nginx/conf.d/lotok.conf" in proxy("bots.example.ru").stdout


@pytest.mark.parametrize(
    ("served", "public", "domain"),
    [
        ("", "https://bots.example.ru", "bots.example.ru"),
        ("", "https://bots.example.ru:8443/path", "bots.example.ru"),
        ("bots.example.ru", "https://203.0.113.7:8443", "bots.example.ru"),
        ("bots.example.ru", "https://tunnel.example", "bots.example.ru"),
    ],
)
def test_nginx_goes_on_with_its_domain_whatever_the_public_address_is(tmp_path, served, public, domain):
    """Behind a proxy or a tunnel of the operator's own they differ."""
    (tmp_path / "env").write_text(f"PUBLIC_URL={public}\n")
    if served:
        template = COMMON.parents[1] / "nginx/vps.conf"
        (tmp_path / "lotok.conf").write_text(template.read_text().replace("@DOMAIN@", served))
    env = {"LOTOK_ETC": str(tmp_path), "PATH": "/usr/bin:/bin"}
    command = ["bash", "-c", f"set -euo pipefail; . {COMMON}; served_domain {tmp_path}/lotok.conf"]
    assert subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout == f"{domain}\n"


def run(tmp_path, script, *words):
    """Run a script where nothing is installed, on a "server" that ssh reaches at once."""
    (tmp_path / "ssh").write_text('#!/bin/sh\nshift\nexec sh -c "$*"\n')
    (tmp_path / "ssh").chmod(0o755)
    env = {"LOTOK_ETC": str(tmp_path), "LOTOK_HOME": str(tmp_path / "home"), "PATH": f"{tmp_path}:/usr/bin:/bin"}
    command = ["bash", str(COMMON.with_name(script)), *words]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert not done.stdout
    return done.returncode, done.stderr.removesuffix("\n")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("deploy.sh host --domain", "--domain needs a value; see --help"),
        ("deploy.sh host --domain --email a@b.example", "--domain needs a value; see --help"),
        ("deploy_to_vps.sh host --domain bots", "bots is no domain; one is bots.example.ru"),
        ("deploy.sh host --workers 10", "--workers is a number from 1 to 9"),
        ("deploy.sh one two", "one server at a time"),
        ("update_vps.sh one two", "one server at a time"),
        ("monitor_vps.sh one two", "one server at a time"),
        ("monitor.sh --dry-run", "name the server, or --here"),
        ("monitor.sh --dry-run host", "Lotok is not installed on host; run deploy.sh"),
        ("update.sh host --back", "Lotok is not installed on host; run deploy.sh"),
        ("backup_vps.sh host", "Lotok is not installed on host; run deploy.sh"),
        ("backup.sh host --fetch", "--fetch needs a value; see --help"),
        ("restore.sh one two", "one backup at a time"),
        ("restore.sh one --key", "--key needs a value; see --help"),
    ],
)
def test_a_script_says_what_is_wrong_before_it_does_anything(tmp_path, line, said):
    script, *words = line.split()
    code, error = run(tmp_path, script, *words)
    assert (code, error.removeprefix(f"{script}: ")) == (1, said)


def test_a_release_of_no_version_removes_no_other(tmp_path):
    kept = tmp_path / "home/releases/a/.ready"
    kept.parent.mkdir(parents=True)
    kept.touch()
    assert run(tmp_path, "release.sh") == (1, "release.sh: deploy.sh and update.sh run this; see their --help")
    assert kept.exists()


@pytest.fixture
def supervisor(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("supervisor", COMMON.with_name("supervisor.py"))
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    monkeypatch.setattr(made, "RUN", tmp_path)
    return made


def test_a_process_that_nobody_collects_has_ended(supervisor, tmp_path):
    """In a container nobody may: a restart would wait a minute for each."""
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    (tmp_path / "a.pid").write_text(str(child.pid))
    assert supervisor._pid("a") == 0
    (tmp_path / "a.pid").write_text(str(os.getpid()))
    assert supervisor._pid("a") == os.getpid()
    child.wait()


def test_the_supervisor_reads_a_unit_as_systemd_does(supervisor, tmp_path, monkeypatch):
    (tmp_path / "env").write_text('# ours\nA=1\nB="two words"\n')
    (tmp_path / "a@.service").write_text(
        f"[Unit]\nExecStart=no\n[Service]\nEnvironmentFile={tmp_path}/env\nEnvironmentFile=-{tmp_path}/none\n"
        "WorkingDirectory=/tmp\nExecStart=run --port 800%i\n"
    )
    monkeypatch.setattr(supervisor, "UNITS", tmp_path)
    unit = supervisor.read("a@2")
    assert unit["ExecStart"] == ["run --port 8002"]
    how = supervisor._how(unit)
    assert {name: how["env"][name] for name in "AB"} == {"A": "1", "B": "two words"}


FAKES = {
    "id": "echo 0",
    "runuser": """
kill_all() {
    pid=$PPID
    while grep -aq restore.sh "/proc/$pid/cmdline"; do
        before=$pid pid=$(awk '/^PPid/ { print $2 }' "/proc/$pid/status")
        kill -9 "$before"
    done
    exit 9
}
echo "$*" >> "$LOG"
case $* in
    *"backup restore"*) [ "$FAILS" != kill ] || kill_all; exit $FAILS ;;
    *"select 1 from pg_database"*) echo 1 ;;
esac""",
    "systemctl": 'echo "$*" >> "$LOG"',
    "python3": 'all="$*"; echo "${all#*.py }" >> "$LOG"',
    "curl": "exit 0",
}


@pytest.fixture
def restored(tmp_path):
    """Restore a backup on a "server", where that ends with a code; return the script's code, its words and acts."""
    for name, body in FAKES.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "home/current").mkdir(parents=True)
    (tmp_path / "home/backups/one").mkdir(parents=True)
    (tmp_path / "env").write_text("DATABASE_URL_UNPOOLED=postgresql://lotok:secret@127.0.0.1:5432/lotok\n")

    def restore(*words, fails=0):
        log = tmp_path / "log"
        env = {"LOTOK_ETC": str(tmp_path), "LOTOK_HOME": str(tmp_path / "home"), "PATH": f"{tmp_path}:/usr/bin:/bin"}
        command = ["bash", str(COMMON.with_name("restore.sh")), "one", *words]
        env |= {"LOG": str(log), "FAILS": str(fails)}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        acts = log.read_text().splitlines() if log.exists() else []
        return done.returncode, done.stdout + done.stderr, acts

    return restore


def test_a_restore_that_fails_in_its_middle_leaves_the_server_as_it_was(restored):
    code, said, acts = restored(fails=3)
    assert code == 3
    assert "not restored; the database is put back as it was" in said
    [aside] = {word for act in acts for word in act.split() if word.startswith("lotok_before_")} - {"lotok_before_"}
    failed = next(number for number, act in enumerate(acts) if "backup restore" in act)
    after = acts[failed + 1 :]
    assert any(f"alter database {aside} rename to lotok" in act for act in after)
    assert [act for act in after if act.startswith("restart")][:2] == ["restart lotok-web@1", "restart lotok-web@2"]


def test_after_a_restore_that_was_killed_the_next_one_puts_the_database_back_first(restored):
    code, _, acts = restored(fails="kill")
    assert (code, "backup restore" in acts[-1]) == (-9, True)
    [aside] = {word for act in acts for word in act.split() if word.startswith("lotok_before_")}
    code, said, again = restored()
    assert code == 0
    assert "a restore was killed in its middle: the database goes back first" in said
    back, proven = (
        next(number for number, act in enumerate(again) if number >= len(acts) and words in act)
        for words in (f"alter database {aside} rename to lotok", "backup test")
    )
    assert back < proven, "else the half of a database would be kept as the one of before"
    code, said, _ = restored()
    assert (code, "killed" in said) == (0, False)


def test_two_restores_at_a_time_exclude_each_other(restored, tmp_path):
    with (tmp_path / "home/restoring").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        code, said, acts = restored()
    assert (code, said, acts) == (1, "restore.sh: another restore is under way\n", [])


def test_a_restore_that_works_starts_the_server_once_and_tells_the_way_back(restored):
    code, said, acts = restored()
    assert (code, "not restored" in said) == (0, False)
    assert "The database of before is lotok_before_" in said
    assert [act for act in acts if act.startswith("restart")].count("restart lotok-web@1") == 1


def test_a_restore_shows_no_password(restored):
    _, said, acts = restored("--dry-run")
    assert "would run: ops backup restore one --into" in said
    assert "secret" not in said
    _, said, acts = restored()
    assert not any("secret" in line for line in (said, *acts))
    assert any("--into $DATABASE_URL_UNPOOLED" in act for act in acts)


@pytest.mark.parametrize(
    ("script", "said"), [("false", "stopped here, exit code 1; mend it"), ("die reason", "reason"), ("true", "")]
)
def test_a_command_that_fails_without_a_word_is_not_the_last_word(script, said):
    command = ["bash", "-c", f". {COMMON}; name_what_stops; act {script}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == bool(said)
