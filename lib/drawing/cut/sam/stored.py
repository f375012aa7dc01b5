"""Where the file of SAM's weights is.

A worker's bundle has no room for it. It is a file of the site, which a worker on Vercel brings once
(lib/tasks/weights.py) and keeps; elsewhere it lies beside the code. It is named by what is in it: a deployment never
takes the file of another.
"""

import hashlib
import tempfile
from pathlib import Path

DIGEST = "9898e434"  # how its SHA-256 begins
PLACE = f"weights/mobile_sam-{DIGEST}.npz"  # on the site
OWN = Path(__file__).parents[4] / "public" / PLACE
BROUGHT = Path("/tmp") / OWN.name  # noqa: S108 - the one place of a function that can be written


def path() -> Path:
    """Return where it lies, or would."""
    return OWN if OWN.exists() else BROUGHT


def at_hand() -> bool:
    """Tell if it is here."""
    return path().exists()


def keep(data: bytes) -> None:
    """Keep the file that was brought, all of it or nothing; raise ValueError for another one."""
    _require(data)
    with tempfile.TemporaryDirectory(dir=BROUGHT.parent) as folder:
        whole = Path(folder) / BROUGHT.name
        whole.write_bytes(data)
        whole.replace(BROUGHT)


def check() -> None:
    """Raise OSError where it is not here, and ValueError where it is damaged; one that was brought then goes."""
    try:
        _require(path().read_bytes())
    except ValueError:
        BROUGHT.unlink(missing_ok=True)
        raise


def _require(data: bytes) -> None:
    if not hashlib.sha256(data).hexdigest().startswith(DIGEST):
        raise ValueError(f"not {PLACE}: {len(data)} bytes")
