"""Loyalty: shops, their clients, and an exact ledger of points. Whole numbers throughout; amounts are kopecks.

    partners   shops: applying, settings, moderation, the catalogue, the audit trail
    staff      who works at a shop: roles, invitations
    members    people as clients: phone, joining a shop, finding one at the counter
    tags       short words on a shop's clients
    points     the ledger: accrue, redeem, reverse, grant, buy a service; history, balance, what expires
    cards      the QR code and the six digits that a client shows
    offers     services, promotions, tiers
    referrals  invitations and their rewards
    talk       ratings, messages, favourites
    reports    statistics of a shop and of the platform
    sheets     clients and operations as files
    night      what falls due by the clock

Every query of a shop's rows names the shop's id first, and row-level security is the second wall: another shop's
id finds nothing. Errors carry stable codes; flows choose their sentences by them.
"""
