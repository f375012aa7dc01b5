"""Every error of the product, in one tree.

    AppError
    ├── Misconfigured   500  a setting is missing or odd; the message names it
    ├── Invalid         400  the input is wrong and the sender can mend it
    ├── ShortOfCredits  402  the balance does not cover the price
    ├── Denied          403  the caller may not do this
    ├── Missing         404  no such thing, or not the caller's
    ├── Conflict        409  the thing is no longer in the state the caller saw
    ├── Gone            410  the account that the caller speaks for was erased
    └── Upstream        502  a service we call failed
        ├── Unavailable      trying again can help
        └── Rejected         trying again cannot help
            └── Blocked      the user has blocked the bot

Each carries a stable `code`; what a user reads is chosen by it in `text.py`, never by the message, which is for
operators. Raise where it is known; catch where something can be done about it.
"""

from datetime import timedelta


class AppError(Exception):
    """An error of ours, with a stable code and the HTTP status that stands for it."""

    status = 500
    code = "internal"

    def __init__(self, code: str = "", detail: str = "") -> None:
        super().__init__(": ".join(part for part in (code or self.code, detail) if part))
        self.code = code or self.code
        self.detail = detail


class Misconfigured(AppError):
    code = "misconfigured"


class Invalid(AppError):
    status = 400
    code = "invalid"


class ShortOfCredits(AppError):
    status = 402
    code = "short_of_credits"

    def __init__(self, balance: int, price: int) -> None:
        super().__init__(detail=f"balance {balance}, price {price}")
        self.balance = balance
        self.price = price


class Denied(AppError):
    status = 403
    code = "denied"


class Missing(AppError):
    status = 404
    code = "missing"


class Conflict(AppError):
    status = 409
    code = "conflict"


class Gone(AppError):
    status = 410
    code = "erased"


class Upstream(AppError):
    status = 502
    code = "upstream"


class Unavailable(Upstream):
    """The service may answer later; `retry_after` is its own wish, if it gave one."""

    status = 503
    code = "unavailable"

    def __init__(self, code: str = "", detail: str = "", retry_after: timedelta | None = None) -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after


class Rejected(Upstream):
    code = "rejected"


class Blocked(Rejected):
    code = "blocked"
