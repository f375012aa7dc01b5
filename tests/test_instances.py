"""python -m bench instances: what it makes of nginx's file and log, and a short course with two deaths."""

import json
import shutil
import subprocess
import sys

import pytest

from bench import instances
from bench.results import Failed
from bench.several import fleet, moved
from bench.several.fleet import Doors, Fleet, Passed, Server
from dev.stack import ROOT
from dev.telegram.records import Update

DOORS = Doors(outside=9000, inside=9001, webs=[9010, 9011], drains=[9020, 9021], renders=[9030])


@pytest.fixture
def running(tmp_path):
    drains = [Server("drain", port, [], {}, tmp_path / f"{port}.log") for port in DOORS.drains]
    for one in drains:
        one.log.touch()
    (tmp_path / "access.log").touch()
    return Fleet(tmp_path, "http://127.0.0.1:9000", [], drains, [])


def note(running, *lines):
    with (running.folder / "access.log").open("a") as log:
        log.writelines(json.dumps(line) + "\n" for line in lines)


def line(path="/api/telegram/studio", seconds="0.012", tries="200", status="200"):
    return {"path": path, "at": "0.0", "seconds": seconds, "tries": tries, "status": status}


def test_nginx_reads_the_file_of_a_server_with_each_process_in_it(tmp_path):
    text = fleet.configuration(DOORS, tmp_path)
    for port in (*DOORS.webs, *DOORS.drains, *DOORS.renders):
        assert text.count(f"server 127.0.0.1:{port} max_fails=0;") == 1
    assert "listen 127.0.0.1:9000;" in text
    assert "listen 127.0.0.1:9001;" in text
    assert "proxy_next_upstream error timeout http_502 non_idempotent;" in text
    assert text.count("least_conn;") == 3
    assert "ssl" not in text
    assert "@WEB@" not in text
    assert "@RENDER@" not in text


@pytest.mark.skipif(shutil.which("nginx") is None, reason="there is no nginx here")
def test_nginx_finds_no_fault_in_it(tmp_path):
    (tmp_path / "nginx.conf").write_text(fleet.configuration(DOORS, tmp_path))
    checked = subprocess.run(
        ["nginx", "-t", "-q", "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stderr


def test_a_servers_file_that_has_changed_is_not_tried_in_silence(tmp_path, monkeypatch):
    changed = tmp_path / "vps.conf"
    changed.write_text(fleet.TEMPLATE.read_text().replace("server 127.0.0.1:8011;", "server 127.0.0.1:8012;"))
    monkeypatch.setattr(fleet, "TEMPLATE", changed)
    with pytest.raises(Failed, match="has no longer one"):
        fleet.configuration(DOORS, tmp_path)


def test_the_log_tells_how_often_an_update_was_sent_on_and_what_became_of_it(running):
    note(
        running,
        line(),
        line("/api/health"),
        line(seconds="1.5", tries="502, 200"),
        line(tries="502, 502", status="502"),
    )
    assert running.updates() == [Passed(12.0, 200, 1, 0.0), Passed(1500.0, 200, 2, 0.0), Passed(12.0, 502, 2, 0.0)]


def test_updates_before_the_course_are_not_counted(running):
    note(running, line(), line())
    since = running.lines()
    note(running, line(seconds="0.5"))
    assert running.updates(since) == [Passed(500.0, 200, 1, 0.0)]


def test_ticks_of_all_processes_are_counted_by_minutes(running):
    first, second = (one.log for one in running.drains)
    first.write_text('{"event": "clock", "minute": 7}\nnot JSON\n{"event": "jobs"}\n{"event": "clock", "minute": 8}\n')
    second.write_text('{"event": "clock", "minute": 8}\n')
    assert running.ticks() == {7: 1, 8: 2}


def test_a_process_gets_the_settings_and_nothing_of_the_shell(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://the/developers")
    monkeypatch.setenv("PATH", "/bin")
    made = fleet.environment({"PUBLIC_URL": "http://a"})
    assert "DATABASE_URL" not in made
    assert (made["PATH"], made["PUBLIC_URL"]) == ("/bin", "http://a")


async def test_a_process_that_ends_before_it_serves_is_told_with_its_last_words(tmp_path):
    dead = Server("web", fleet.free_port(), ["serve", "--only", "nothing"], {"PATH": "/bin"}, tmp_path / "log")
    dead.start()
    with pytest.raises(Failed, match="web does not serve"):
        await dead.is_up()
    dead.stop()


def test_the_workers_and_the_webs_are_told_of_the_balancer_alone():
    made = fleet.given(DOORS)
    assert (made["PUBLIC_URL"], made["WORKER_URL"]) == ("http://127.0.0.1:9000", "http://127.0.0.1:9001")


def test_a_row_tells_the_repeated_apart_from_the_failed():
    passed = [Passed(10.0, 200, 1, 0.0)] * 18 + [Passed(900.0, 200, 2, 0.0), Passed(40.0, 502, 2, 0.0)]
    row = instances._row(instances.Outcome(instances.SEVERAL, passed, 1, 6, 9, 60.0, 1, []))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:] == ["20", "2", "1", "1", "10", "900", "900", "6", "9", "1 in 1.0"]


def update(state, *attempts):
    made = Update("studio", 1, {}, "chat:1", 1, 0.0, 9e9, state)
    made.attempts = [{"status": status, "at": at} for status, at in attempts]
    return made


def test_only_what_a_pause_turned_away_and_was_delivered_later_is_held():
    records = [
        update("delivered", (503, 12.0), (200, 13.0)),
        update("delivered", (503, 9.0), (200, 13.0)),
        update("delivered", (500, 12.0), (200, 13.0)),
        update("pending", (503, 12.0)),
        update("delivered", (200, 12.0)),
    ]
    assert moved.held(records, since=10.0) == 1
    assert moved.held(records[1:], since=10.0) == 0


def test_a_row_of_a_move_has_a_cell_for_each_heading():
    row = moved.Outcome(0.5, 1.5, 900, 3, 1, 4, 30, []).row()
    assert row.count("|") == moved.HEAD.splitlines()[0].count("|")
    assert [cell.strip() for cell in row.strip("| ").split("|")][1:5] == ["900", "3", "1", "4"]


@pytest.mark.long
def test_nothing_is_lost_when_a_web_process_and_a_worker_die():
    done = subprocess.run(
        [sys.executable, "-m", "bench.several"], cwd=ROOT, capture_output=True, check=False, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
