"""Short words by which a shop's managers tell its clients apart: set on a client's card, asked for by a broadcast."""

from lib import db, errors, typed
from lib.loyalty import members, staff
from lib.loyalty.partners import of

SQL = db.load("loyalty_members")

LONGEST = 20  # two stand side by side on a phone
A_MEMBER, A_SHOP = 5, 30


async def of_shop(conn: db.Connection, partner_id: int) -> list[str]:
    """Return every tag of a shop's clients, the most used first."""
    return await SQL.shop_tags.within(of(partner_id)).all(conn, str, partner_id=partner_id)


async def switch(conn: db.Connection, partner_id: int, actor_id: int, member_id: int, tag: str) -> None:
    """Give a client a tag, or take it off the one who has it, by a manager.

    Invalid("tag_unclear") for none or a long one, Conflict("too_many_tags") of a client or of the shop,
    Missing("no_member"), Denied("role_too_low").
    """
    said = clean(tag)
    if await staff.manager(conn, partner_id, actor_id) is None:
        raise errors.Denied("role_too_low", str(actor_id))
    has = (await members.get(conn, partner_id, member_id)).tags
    ids = {"partner_id": partner_id, "member_id": member_id}
    if known := next((one for one in has if one.lower() == said.lower()), None):
        await SQL.untag_member.within(of(partner_id)).run(conn, **ids, tag=known)
        return
    every = await of_shop(conn, partner_id)
    is_new = said.lower() not in (one.lower() for one in every)
    if len(has) >= A_MEMBER or (is_new and len(every) >= A_SHOP):
        raise errors.Conflict("too_many_tags", str(A_MEMBER if len(has) >= A_MEMBER else A_SHOP))
    await SQL.tag_member.within(of(partner_id)).run(conn, **ids, tag=said)


def clean(tag: str) -> str:
    """Return a tag as it is kept, without its # and odd spaces; Invalid("tag_unclear")."""
    said = typed.plain(tag).lstrip("#").strip()
    if not 1 <= len(said) <= LONGEST or "," in said or ":" in said:
        raise errors.Invalid("tag_unclear", tag[:40])
    return said
