"""Phone numbers as people write them, and the one way in which they are kept."""

import re

from lib import errors

LABEL = re.compile(r"^(?:тел(?:ефон)?|tel|phone)\b[.:]*\s*", re.IGNORECASE)


def normalise(text: str) -> str:
    """Return the number as +79001234567; Invalid("phone_unclear") when it is none.

    Russian numbers may begin with 8, 7, +7 or the 9 of a mobile; others need their country's code.
    """
    words = LABEL.sub("", text.strip())
    if len(words) > 40 or not re.fullmatch(r"[+\d\s\u00a0()\u2010-\u2015.\-/]+", words, re.ASCII):
        raise errors.Invalid("phone_unclear", text[:40])
    digits = re.sub(r"\D", "", words)
    if words.startswith("+") and not digits.startswith("7"):
        international = digits
    elif len(digits) == 11 and digits[0] in "78" and not words.startswith("+8"):
        international = "7" + digits[1:]
    elif len(digits) == 10 and digits[0] == "9" and not words.startswith("+"):
        international = "7" + digits
    elif 11 < len(digits) <= 15 and digits.startswith("00"):
        international = digits[2:]
    elif 11 <= len(digits) <= 15 and digits[0] not in "078":  # Telegram's contacts come without a plus
        international = digits
    else:
        raise errors.Invalid("phone_unclear", text[:40])
    if not re.fullmatch(r"[1-9]\d{7,14}", international) or (international[0] == "7" and len(international) != 11):
        raise errors.Invalid("phone_unclear", text[:40])
    return "+" + international
