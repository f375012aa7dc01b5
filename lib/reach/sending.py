"""What a broadcast's message needs: the slots of a block, the file, and an outcome for each answer.

A person whose message was certainly not taken waits on, for a later block. A message whose answer got lost is `unknown`
where a second copy would annoy, and is sent again where it would not.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta

from lib import db, errors, limits, log, tally
from lib.reach import broadcasts, reading
from lib.reach.broadcasts import Broadcast
from lib.reach.parts import Fate, Recipient
from lib.telegram.client import Chat, Picture

PATIENCE = timedelta(milliseconds=300)  # a single message waits behind no more than this and one block
EARLY = 0.25  # seconds before its slot at which a block asks for it
PAID = 0.005  # seconds between two messages that are paid for; Telegram takes 1,000 a second
TOO_LONG = timedelta(minutes=10)


class LongPause(Exception):
    """Telegram wants nothing for so long that the broadcast is paused."""


@dataclass
class Mail:
    """What a worker sends: a broadcast, and the file as the sending bot knows it."""

    one: Broadcast
    file: Picture | None = None

    async def open(self) -> None:
        """Make the file ready."""
        self.file = await reading.file(self.one)

    @property
    def is_first(self) -> bool:
        """Whether the next message uploads the file; it goes alone."""
        return self.file is not None and not self.file.file_id

    async def slot(self, number: int, give_up_at: float) -> limits.Slot | None:
        """Book a block; a refused one asks again shortly before the time that it was told. A paid one needs none.

        Returns None when that would be too late. Raises LongPause.
        """
        if self.one.paid and not limits.resting(self.one.bot):
            return limits.Slot(time.time(), PAID)
        while True:
            try:
                return await limits.reserve_block(self.one.bot, number, patience=PATIENCE)
            except errors.Unavailable as full:
                wait = (full.retry_after or timedelta(seconds=1)).total_seconds()
            if limits.resting(self.one.bot) > TOO_LONG:
                raise LongPause
            if time.time() + wait > give_up_at:
                return None
            await asyncio.sleep(max(wait - EARLY, 0.02))

    async def send(self, one: Recipient) -> Fate:
        """Send to one person; return what became of it."""
        fate = await self._outcome(one)
        if fate is not Fate.WAITING:
            tally.add(f"cast|{self.one.kind}|{fate.name.lower()}")
        return fate

    async def _outcome(self, one: Recipient) -> Fate:
        try:
            sent = await reading.deliver(self._chat(one), self.one, one.language, self.file)
        except errors.Blocked:
            return Fate.BLOCKED
        except errors.Rejected as refusal:
            log.note(refused=refusal.detail[:200])
            return Fate.REFUSED
        except errors.Unavailable as fault:
            return await self._unheard(fault)
        if self.is_first and sent.file_id:
            await db.run(lambda conn: broadcasts.keep_file(conn, self.one, sent.file_id))
            self.file = Picture(self.file.name if self.file else "", file_id=sent.file_id)
        return Fate.SENT

    def _chat(self, one: Recipient) -> Chat:
        return Chat(self.one.bot, one.tg_id, paid=self.one.paid)

    async def _unheard(self, fault: errors.Unavailable) -> Fate:
        """Say what a failure means for the person: a pause and a refused connection have sent nothing for certain."""
        if fault.code == "telegram_flood":
            await limits.pause(self.one.bot, fault.retry_after or timedelta(seconds=1))
            return Fate.WAITING
        if fault.code == "telegram_away":
            await asyncio.sleep(0.5)
            return Fate.WAITING
        log.note(unheard=fault.detail[:200])
        return Fate.UNKNOWN if self.one.advertises else Fate.WAITING
