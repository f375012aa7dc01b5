"""Compile the sentences: lib/locales/*/LC_MESSAGES/*.po into the .mo files that the functions read."""

import argparse
import io
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from lib import text

_UNDATED = datetime(2000, 1, 1, tzinfo=UTC)  # the same sentences always give the same bytes


def add_arguments(_: argparse.ArgumentParser) -> None:
    """Take no arguments."""


def run(_: argparse.Namespace) -> int:
    """Compile every language; print what was written."""
    for source in sources():
        target = source.with_suffix(".mo")
        target.write_bytes(compiled(source))
        print(f"{target.relative_to(text.LOCALES.parent.parent)} written")
    return 0


def sources() -> list[Path]:
    """Return every .po file, each below the folder of its language."""
    return sorted(text.LOCALES.glob("*/LC_MESSAGES/*.po"))


def compiled(source: Path) -> bytes:
    """Return the .mo file's bytes; the language is named, or read_po writes two plural forms for Russian."""
    with source.open("rb") as file:
        catalogue = read_po(file, locale=source.parts[-3], domain=source.stem)
    catalogue.creation_date = catalogue.revision_date = _UNDATED
    target = io.BytesIO()
    write_mo(target, catalogue)
    return target.getvalue()
