"""Programs whose output is the next one's input, as in a shell: nothing of it is on the disk, and each must succeed."""

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from lib import errors

_SECRET = re.compile(r"AGE-SECRET-KEY-[A-Z0-9]+|://[^@\s]+@")


async def run(
    *commands: Sequence[str], env: Mapping[str, str] | None = None, source: Path | None = None, into: Path | None = None
) -> None:
    """Run the commands side by side; Rejected names the first that failed, with its last words."""
    with contextlib.ExitStack() as files:
        given = files.enter_context(source.open("rb")).fileno() if source else asyncio.subprocess.DEVNULL
        taken = files.enter_context(into.open("xb")).fileno() if into else asyncio.subprocess.DEVNULL
        pairs = [os.pipe() for _ in commands[1:]]
        ends = [end for pair in pairs for end in pair]
        inputs, outputs = [given, *(read for read, _ in pairs)], [*(write for _, write in pairs), taken]
        try:
            running = [
                await asyncio.create_subprocess_exec(
                    *command,
                    stdin=stdin,
                    stdout=stdout,
                    stderr=asyncio.subprocess.PIPE,
                    env={**os.environ, **(env or {})},
                )
                for command, stdin, stdout in zip(commands, inputs, outputs, strict=True)
            ]
        except FileNotFoundError as error:
            raise errors.Misconfigured(detail=f"{error.filename} is not installed") from None
        finally:
            for end in ends:  # ours: each program has its own
                os.close(end)
        said = await asyncio.gather(*(process.communicate() for process in running))
    codes = [process.returncode or 0 for process in running]
    for command, code, (_, words) in zip(commands, codes, said, strict=True):
        # One that could not write on since the next one ended is not the cause.
        if code and not (code == -signal.SIGPIPE and any(other not in (0, -signal.SIGPIPE) for other in codes)):
            raise errors.Rejected("backup", f"{Path(command[0]).name}: {_reason(words, code)}")


def _reason(words: bytes, code: int) -> str:
    """Return the first line that is an error, else the last one."""
    lines = [line for line in words.decode(errors="replace").splitlines() if line.strip()]
    said = next((line for line in lines if "error:" in line.lower()), (lines or [f"exit code {code}"])[-1])
    return clean(said)[:300]


def clean(said: str) -> str:
    """Return somebody's words without the secrets in them."""
    return _SECRET.sub("***", said)
