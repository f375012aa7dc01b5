"""Databases that were never measured: makers of what assess found, for tests that need no server."""

import dataclasses
from datetime import UTC, date, datetime

from ops.neon.assess import address, costs, moving, rules, study, tables
from ops.neon.assess.catalog import Activity, Catalog, Extension, Feature, Guests, Role, Server, Table
from ops.neon.assess.figures import GB, Spread
from ops.neon.assess.found import Found, Sample
from ops.neon.assess.pace import Connects, Level
from ops.neon.assess.pooler import Behaviour
from ops.neon.assess.wire import Wire

TODAY = date(2026, 11, 29)
AT = datetime(2026, 11, 29, 17, 20, tzinfo=UTC)
AIVEN = "postgresql://avnadmin:AVNS_pa55word@pg-1a2b3c-acme.aivencloud.com:12691/defaultdb?sslmode=require"
SERVER = "postgresql://owner:pa55word@db.acme.example:5432/shop"
NEON = "postgresql://owner:npg_pa55word@ep-cool-frog-123.eu-central-1.aws.neon.tech/shop?sslmode=require"
WEEKS = 30 * 86400.0


def make_server(**more):
    """Make a healthy server of 17 with one gigabyte."""
    facts = {
        "number": 170004,
        "version": "17.4",
        "encoding": "UTF8",
        "locale": "C.UTF-8",
        "provider": "c",
        "bytes": GB,
        "is_standby": False,
        "up_seconds": WEEKS,
    }
    return Server(**facts | more)


def make_role(**more):
    """Make the role of an ordinary owner."""
    facts = {
        "is_superuser": False,
        "may_replicate": False,
        "bypasses_rls": False,
        "may_create_roles": True,
        "connections_limit": -1,
        "database_limit": -1,
    }
    return Role(**facts | more)


def make_activity(per_second=0.001, **more):
    """Make statistics of thirty days with so many transactions a second."""
    facts = {
        "transactions": round(per_second * WEEKS),
        "writes": 86_400,
        "rows_read": 5_000_000,
        "blocks_hit": 990,
        "blocks_read": 10,
        "temp_bytes": 0,
        "deadlocks": 0,
        "seconds": WEEKS,
        "age_known": True,
    }
    return Activity(**facts | more)


def make_table(name="orders", **more):
    """Make a table of a thousand rows, of which a hundred came in the time of the statistics."""
    facts = {
        "schema": "public",
        "name": name,
        "kind": "r",
        "rows": 1000.0,
        "bytes": 600_000,
        "index_bytes": 400_000,
        "inserted": 150,
        "updated": 0,
        "deleted": 50,
        "dead": 0,
    }
    return Table(**facts | more)


def make_catalog(**more):
    """Make the catalogue of a healthy database."""
    found = Catalog(
        server=make_server(),
        settings={"max_connections": "100", "wal_level": "replica", "superuser_reserved_connections": "3"},
        role=make_role(),
        guests=Guests(used=10, here=8),
        activity=make_activity(),
        wal_per_second=GB / 86400,
        tables=[make_table()],
        extensions=[Extension("plpgsql", "1.0")],
    )
    return dataclasses.replace(found, **more)


def make_found(url=AIVEN, catalog=None, **more):
    """Make a database as it was found."""
    found = Found(
        address.read(url),
        wire=Wire("tcp", name_ms=1.0, tcp_ms=12.0, tls_ms=25.0, tls="TLSv1.3", cipher="X", certificate="trusted"),
        connects=Connects(cold_ms=140.0, warm=Spread(5, 60.0, 80.0, 80.0)),
        answers=Spread(300, 12.5, 14.0, 19.0),
        levels=[Level(1, 79.0), Level(8, 610.0), Level(32, 1800.0, at_least=True)],
        pooler=Behaviour("direct", True, True, True, True, True),
        sample=Sample(3.0, 6.0, 3.0, 1000.0),
        catalog=make_catalog() if catalog is None else catalog,
    )
    return dataclasses.replace(found, **more)


def make_inputs(found=None, *, today=TODAY, offer=None, operator_usd=None, **wishes):
    """Make what the rules look at."""
    found = found or make_found()
    need = costs.need(found.catalog, found.per_second, operator_usd=operator_usd)
    ways = {name: moving.hindrances(found.catalog, name, offer) for name in tables.prices()["providers"]}
    told = rules.Wishes(**wishes, operated=operator_usd is not None)
    return rules.Inputs(found, told, costs.all_costs(need, today), ways, moving.pause(found.catalog), today)


def make_study(found=None, *, target=None, others=(), offered=None, **wishes):
    """Make a finished study of one database."""
    given = make_inputs(found, **wishes)
    return study.Study(
        at=AT,
        found=[given.found, *others],
        target=target,
        offered=offered,
        need=costs.need(given.found.catalog, given.found.per_second),
        costs=list(given.costs),
        ways=given.ways,
        pause=given.pause,
        wishes=given.wishes,
        verdict=rules.decide(given),
    )


def make_failed(url=SERVER, problem="owner@***/shop: Connection refused"):
    """Make a study of a database that was out of reach."""
    out = Found(address.read(url), problem=problem)
    return study.Study(AT, [out], None, None, None, [], {}, None, rules.Wishes(), None)


def with_feature(name, *names, total=None):
    """Make a catalogue with one thing that may not move."""
    return make_catalog(features={name: Feature(total or len(names), [*names])})


def with_extension(name, major=17):
    """Make a catalogue with one more extension."""
    server = make_server(number=major * 10000 + 4)
    return make_catalog(server=server, extensions=[Extension("plpgsql", "1.0"), Extension(name, "1.2")])
