"""The trail of what was done by hand can be narrowed down to areas, and each deed is in one of them."""

import re
from pathlib import Path

from lib.office import trail

ROOT = Path(__file__).parents[2]


def deeds():
    """Return the actions that statements and code write into the trail."""
    said = "".join(file.read_text() for file in [*ROOT.glob("sql/queries/*.sql"), *ROOT.glob("sql/schema*/*.sql")])
    said += "".join(file.read_text() for file in ROOT.glob("sql/schema.sql"))
    written = "".join(re.findall(r"insert into audit_log.*?;", said, re.DOTALL))
    noted = "".join(re.findall(r"trail\.note\([^)]*", "".join(one.read_text() for one in ROOT.glob("lib/**/*.py"))))
    return {*re.findall(r"'([a-z]+\.[a-z_]+)'", written), *re.findall(r'"([a-z]+\.[a-z_]+)"', noted)}


def test_every_deed_is_in_one_area():
    found = deeds()
    assert {"user.ban", "phone.release", "credits.grant", "job.retry"} <= found
    areas = [word for words in trail.AREAS.values() for word in words]
    assert sorted({deed.partition(".")[0] for deed in found} - set(areas)) == []
    assert len(areas) == len(set(areas))
