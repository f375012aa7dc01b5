"""ops/deploy/Dockerfile: what it copies is enough for what is run in a container."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "ops/deploy/Dockerfile"
COPIED = re.findall(r"^COPY (?!--from)(\S+) \1$", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture
def image(tmp_path):
    """The folder of the image, by links."""
    for name in COPIED:
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def test_the_doctor_has_what_it_reads(image):
    """Its modules are the image's own: they read beside themselves."""
    env = {"PATH": "/usr/bin:/bin", "LOTOK_ENV": "production", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(image)}
    program = (
        "import sys; from pathlib import Path; from ops import envfile, __main__ as ops\n"
        "envfile.EXAMPLE = Path(sys.argv[1]) / envfile.EXAMPLE.name\n"
        "sys.exit(ops.main(['doctor', '--json']))"
    )
    command = [sys.executable, "-c", program, str(image)]
    done = subprocess.run(command, cwd=image, env=env, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert "setting_missing" in {one["name"] for one in json.loads(done.stdout)["faults"]}


def test_the_build_is_given_what_it_copies():
    ignored = DOCKERFILE.with_name("Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert {f"!{name}" for name in COPIED} <= {*ignored}
