-- name: all
select name, label, severity, state, since, good_since, fired_at, resolved_at, facts
from alerts
order by severity, fired_at, name, label;

-- name: keep
-- Writes what has changed, and forgets what was never worth telling or is over for a week.
with gone as (
    delete from alerts
    where (name, label) in (
        select g.name, g.label
        from jsonb_to_recordset(%(gone)s::jsonb) g (name text, label text)
    )
    or resolved_at < %(now)s - interval '7 days'
)
insert into alerts (name, label, severity, state, since, good_since, fired_at, resolved_at, facts)
select name, label, severity, state, since, good_since, fired_at, resolved_at, facts
from jsonb_to_recordset(%(kept)s::jsonb) k (name text, label text, severity text, state text, since timestamptz,
    good_since timestamptz, fired_at timestamptz, resolved_at timestamptz, facts jsonb)
on conflict (name, label) do update
set severity = excluded.severity,
    state = excluded.state,
    since = excluded.since,
    good_since = excluded.good_since,
    fired_at = excluded.fired_at,
    resolved_at = excluded.resolved_at,
    facts = excluded.facts;
