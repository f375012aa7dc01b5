"""Runs the units of this folder where there is no systemd, as in a container or a chroot. Standard library only.

  python3 supervisor.py start|stop|restart|status lotok-web@1

It reads User, WorkingDirectory, EnvironmentFile, Environment and ExecStart, starts the process in a session of its own
with its output in /var/log/lotok/, and starts it again when it ends. It knows nothing of systemd's hardening, limits
or order: what needs those needs systemd.
"""

import contextlib
import os
import pwd
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

UNITS = Path(os.environ.get("LOTOK_UNITS", "/etc/systemd/system"))
RUN, LOGS = Path("/run/lotok"), Path("/var/log/lotok")
STOPPING, PAUSE = 60.0, 1.0  # seconds


def main(verb: str, name: str) -> int:
    """Carry out one verb for one unit and return the exit code, 3 for a `status` of one that does not run."""
    RUN.mkdir(parents=True, exist_ok=True)
    LOGS.mkdir(parents=True, exist_ok=True)
    if verb == "status":
        return 0 if _pid(name) else 3
    if verb in ("stop", "restart"):
        _stop(name)
    if verb in ("start", "restart") and not _pid(name):
        _start(name)
    return 0


def _start(name: str) -> None:
    unit = read(name)
    if os.fork() == 0:
        os.setsid()
        with (LOGS / f"{name}.log").open("ab", buffering=0) as log:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        (RUN / f"{name}.pid").write_text(str(os.getpid()))
        _keep(unit)
        os._exit(0)


def _keep(unit: dict[str, list[str]]) -> None:
    """Run the unit's program until we are told to stop; then it is told, too."""
    child: subprocess.Popen[bytes] | None = None
    told = False

    def stop(*_: object) -> None:
        nonlocal told
        told = True
        if child is not None:
            child.terminate()

    signal.signal(signal.SIGTERM, stop)
    while not told:
        child = subprocess.Popen(shlex.split(unit["ExecStart"][-1]), **_how(unit))  # type: ignore[call-overload]
        child.wait()
        if unit.get("Type") == ["oneshot"]:
            return
        if not told:
            time.sleep(PAUSE)


def _how(unit: dict[str, list[str]]) -> dict[str, object]:
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
    for file in unit.get("EnvironmentFile", []):
        if file.startswith("-") and not Path(file[1:]).exists():
            continue
        for line in Path(file.removeprefix("-")).read_text().splitlines():
            if "=" in line and not line.startswith("#"):
                given, _, value = line.partition("=")
                env[given] = value.strip('"')
    for pair in unit.get("Environment", []):
        given, _, value = pair.strip('"').partition("=")
        env[given] = value
    how: dict[str, object] = {"env": env, "cwd": unit.get("WorkingDirectory", ["/"])[-1]}
    if user := unit.get("User"):
        person = pwd.getpwnam(user[-1])
        how |= {"user": person.pw_uid, "group": person.pw_gid, "extra_groups": []}
    return how


def read(name: str) -> dict[str, list[str]]:
    """Return the [Service] lines of a unit by their names, `%i` filled in."""
    template, _, instance = name.partition("@")
    path = UNITS / (f"{template}@.service" if instance else f"{name}.service")
    found: dict[str, list[str]] = {}
    section = ""
    for line in path.read_text().replace("\\\n", " ").replace("%i", instance).splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif section == "Service" and "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key.strip(), []).append(value.strip())
    return found


def _pid(name: str) -> int:
    with contextlib.suppress(OSError, ValueError):
        pid = int((RUN / f"{name}.pid").read_text())
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return 0 if state == "Z" else pid  # ended, where nobody collects those that did
    return 0


def _stop(name: str) -> None:
    pid = _pid(name)
    if not pid:
        return
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + STOPPING
    while _pid(name) and time.monotonic() < until:
        time.sleep(0.1)
    if _pid(name):
        os.killpg(pid, signal.SIGKILL)
    (RUN / f"{name}.pid").unlink(missing_ok=True)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("start", "stop", "restart", "status"):
        sys.exit(f"usage: {sys.argv[0]} start|stop|restart|status UNIT")
    sys.exit(main(*sys.argv[1:]))
