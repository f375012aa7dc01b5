"""Inviting a friend to a shop: one's own link, and what the invitations have brought, level by level. invite:<shop>"""

import html
from urllib.parse import urlencode

from lib import db
from lib.flows.client import visitor
from lib.loyalty import partners, referrals
from lib.loyalty.partners import Partner
from lib.loyalty.referrals import Level
from lib.telegram import screen
from lib.telegram.client import start_link
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Show the link and the results."""
    shop = screen.number(screen.parts(turn)[0])
    member = await visitor.own_card(turn, shop)
    if member is None:
        return
    partner = await db.run(lambda conn: partners.get(conn, shop))
    if partner.status != "approved":  # the friend would find nobody there
        await turn.show(visitor.closed(turn, partner), [screen.home(turn)])
        return
    link = await start_link("client", referrals.link(partner, member.card_no))
    levels = await db.run(lambda conn: referrals.results(conn, shop, member.id))
    lines = [turn.text("client.invite.title", title=partner.title), *_rules(turn, partner)]
    lines += [turn.text("client.invite.link", link=link), _results(turn, partner, levels)]
    words = html.unescape(turn.text("client.invite.words", title=partner.title))
    share = urlencode({"url": link, "text": words})
    rows = [
        [screen.link(turn, "client.button.share", f"https://t.me/share/url?{share}")],
        screen.home(turn, f"shop:{shop}"),
    ]
    await turn.show(screen.paragraphs(*lines), rows)


def _rules(turn: Turn, partner: Partner) -> list[str]:
    """Say what an invitation brings: a share of real receipts, never anything for the mere coming."""
    if not partner.referral_levels:
        return [turn.text("client.invite.no_reward")]
    shares = partner.referral_bp[: partner.referral_levels]
    words = turn.text("client.invite.rule", percent=shares[0])
    more = [
        turn.text("client.invite.rule_level", level=level, percent=share) for level, share in enumerate(shares[1:], 2)
    ]
    hold = [turn.text("client.invite.hold", days=partner.referral_hold_days)] if partner.referral_hold_days else []
    return ["\n".join([words, *more, *hold])]


def _results(turn: Turn, partner: Partner, levels: list[Level]) -> str:
    if not any(level.invited for level in levels):
        return turn.text("client.invite.nobody")
    lines = [
        turn.text(
            "client.invite.level", level=level.level, invited=level.invited, buyers=level.buyers, points=level.points
        )
        for level in levels
        if level.level <= max(1, partner.referral_levels) or level.invited
    ]
    held = sum(level.held for level in levels)
    return "\n".join([*lines, *[turn.text("client.invite.held", points=held)] * bool(held)])
