-- What a database is, apart from its rows: a section each, two columns, the object's name and its definition.
-- [own x] leaves out the schemas of Postgres and of the provider; [free class x] what belongs to an extension.
-- Every "char" is cast: without that an operator is ambiguous, the query fails on both sides, and nothing differs.

-- name: extensions
select x.extname, 'in ' || n.nspname
from pg_extension x join pg_namespace n on n.oid = x.extnamespace

-- name: extension_versions
select x.extname, x.extversion
from pg_extension x

-- name: schemas
select n.nspname, 'schema'
from pg_namespace n
where [own n] and [free pg_namespace n]

-- name: relations
select
    c.oid::regclass::text,
    concat_ws(' ',
        'kind ' || c.relkind::text,
        'persistence ' || c.relpersistence::text,
        case when c.relrowsecurity then 'row security' end,
        case when c.relforcerowsecurity then 'forced' end,
        'replica identity ' || c.relreplident::text,
        'of ' || (
            select string_agg(p.oid::regclass::text, ', ' order by i.inhseqno)
            from pg_inherits i join pg_class p on p.oid = i.inhparent
            where i.inhrelid = c.oid
        ),
        pg_get_expr(c.relpartbound, c.oid),
        'by ' || case when c.relkind::text = 'p' then pg_get_partkeydef(c.oid) end,
        c.reloptions::text,
        'toast ' || (select t.reloptions::text from pg_class t where t.oid = c.reltoastrelid),
        'of type ' || format_type(nullif(c.reloftype, 0), null),
        'method ' || (select a.amname from pg_am a where a.oid = c.relam)
    )
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind::text in ('r', 'p', 'v', 'm', 'f', 'S') and [own n] and [free pg_class c]

-- name: columns
-- From 17 on a partition has its parent's identity, which earlier ones kept to themselves; 18 knows NOT NULL that was
-- not validated, and says "not null" of its column all the same.
select
    c.oid::regclass::text || '.' || a.attname,
    concat_ws(' ',
        row_number() over (partition by c.oid order by a.attnum) || '.',
        format_type(a.atttypid, a.atttypmod),
        case when a.attnotnull then 'not null' end,
        case when exists (
            select from pg_constraint k
            where k.conrelid = c.oid and k.contype::text = 'n' and k.conkey = array[a.attnum] and not k.convalidated
        ) then '(not validated)' end,
        case when not c.relispartition then 'identity ' || nullif(a.attidentity::text, '') end,
        case when a.attinhcount > 0 and not c.relispartition then
            case when a.attislocal then 'inherited and its own' else 'inherited' end
        end,
        'generated ' || nullif(a.attgenerated::text, ''),
        'storage ' || a.attstorage::text,
        'compression ' || nullif(a.attcompression::text, ''),
        'statistics ' || nullif(a.attstattarget::int, -1),
        'collate ' || nullif(a.attcollation, 0)::regcollation::text,
        'default ' || pg_get_expr(d.adbin, d.adrelid),
        a.attoptions::text,
        'options ' || a.attfdwoptions::text
    )
from pg_attribute a
join pg_class c on c.oid = a.attrelid
join pg_namespace n on n.oid = c.relnamespace
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attnum > 0 and not a.attisdropped and c.relkind::text in ('r', 'p', 'v', 'm', 'f', 'c')
    and [own n] and [free pg_class c]

-- name: constraints
-- 18 keeps NOT NULL here too (contype n), where a column says it already.
select
    coalesce(nullif(k.conrelid, 0)::regclass::text, format_type(k.contypid, null)) || '.' || k.conname,
    concat_ws(' ',
        pg_get_constraintdef(k.oid),
        case when not k.convalidated then '(not validated)' end,
        -- Rows that break a foreign key come in where somebody has switched all triggers off, its own ones too.
        case when exists (
            select from pg_trigger t where t.tgconstraint = k.oid and t.tgisinternal and t.tgenabled::text <> 'O'
        ) then '(its triggers are off)' end
    )
from pg_constraint k join pg_namespace n on n.oid = k.connamespace
where k.contype::text not in ('n', 't') and [own n]
    and not exists (
        select from pg_depend d
        where d.deptype = 'e' and (
            d.classid = 'pg_class'::regclass and d.objid = k.conrelid
            or d.classid = 'pg_type'::regclass and d.objid = k.contypid
        )
    )

-- name: indexes
select
    i.indexrelid::regclass::text,
    concat_ws(' ',
        pg_get_indexdef(i.indexrelid),
        case when not i.indisvalid then '(invalid)' end,
        case when not i.indisready then '(not ready)' end,
        case when i.indisclustered then '(clustered)' end,
        case when i.indisreplident then '(replica identity)' end,
        'statistics ' || (
            select string_agg(a.attnum || ': ' || a.attstattarget, ', ' order by a.attnum)
            from pg_attribute a where a.attrelid = i.indexrelid and a.attstattarget <> -1
        )
    )
from pg_index i
join pg_class c on c.oid = i.indrelid
join pg_namespace n on n.oid = c.relnamespace
where [own n] and [free pg_class c]

-- name: triggers
select
    t.tgrelid::regclass::text || '.' || t.tgname,
    pg_get_triggerdef(t.oid) || ' enabled ' || t.tgenabled::text
from pg_trigger t
join pg_class c on c.oid = t.tgrelid
join pg_namespace n on n.oid = c.relnamespace
where not t.tgisinternal and [own n] and [free pg_class c]

-- name: event_triggers
select
    e.evtname,
    concat_ws(' ', e.evtevent, e.evttags::text, e.evtfoid::regprocedure::text, 'enabled', e.evtenabled::text)
from pg_event_trigger e
join pg_proc p on p.oid = e.evtfoid
join pg_namespace n on n.oid = p.pronamespace
where [own n] and [free pg_event_trigger e]

-- name: functions
-- A body in SQL's own words is written by the server; any other is text that nobody changes.
select
    p.oid::regprocedure::text,
    case when p.prosqlbody is null then md5(pg_get_functiondef(p.oid)) else pg_get_functiondef(p.oid) end
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where p.prokind::text <> 'a' and [own n] and [free pg_proc p]

-- name: aggregates
select
    p.oid::regprocedure::text,
    concat_ws(' ',
        a.aggkind::text, a.aggnumdirectargs, a.aggtransfn, a.aggfinalfn, a.aggfinalextra, a.aggfinalmodify::text,
        a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, format_type(a.aggtranstype, null), a.agginitval,
        a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn, format_type(nullif(a.aggmtranstype, 0), null), a.aggminitval,
        nullif(a.aggsortop, 0)::regoperator, p.proparallel::text, a.aggmfinalextra, a.aggmfinalmodify::text,
        a.aggtransspace, a.aggmtransspace
    )
from pg_aggregate a
join pg_proc p on p.oid = a.aggfnoid
join pg_namespace n on n.oid = p.pronamespace
where [own n] and [free pg_proc p]

-- name: views
select c.oid::regclass::text, pg_get_viewdef(c.oid)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind::text in ('v', 'm') and [own n] and [free pg_class c]

-- name: filled_views
select c.oid::regclass::text, case when c.relispopulated then 'filled' else 'never refreshed' end
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind::text = 'm' and [own n] and [free pg_class c]

-- name: rules
select r.ev_class::regclass::text || '.' || r.rulename, pg_get_ruledef(r.oid) || ' enabled ' || r.ev_enabled::text
from pg_rewrite r
join pg_class c on c.oid = r.ev_class
join pg_namespace n on n.oid = c.relnamespace
where r.rulename <> '_RETURN' and [own n] and [free pg_class c]

-- name: enums
select format_type(t.oid, null), string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
from pg_enum e
join pg_type t on t.oid = e.enumtypid
join pg_namespace n on n.oid = t.typnamespace
where [own n] and [free pg_type t]
group by t.oid

-- name: types
select
    format_type(t.oid, null),
    concat_ws(' ',
        'kind ' || t.typtype::text,
        'base ' || format_type(nullif(t.typbasetype, 0), t.typtypmod),
        case when t.typnotnull then 'not null' end,
        'default ' || t.typdefault,
        'collate ' || nullif(t.typcollation, 0)::regcollation::text,
        'range of ' || (
            select
                concat_ws(' ',
                    format_type(r.rngsubtype, null), nullif(r.rngcollation, 0)::regcollation, r.rngsubdiff, 'by',
                    (select o.opcname from pg_opclass o where o.oid = r.rngsubopc), r.rngcanonical,
                    'multirange', format_type(r.rngmultitypid, null)
                )
            from pg_range r where r.rngtypid = t.oid
        ),
        case when t.typtype::text = 'b' then
            concat_ws(' ',
                t.typinput, t.typoutput, t.typlen, t.typalign::text, t.typstorage::text, t.typdelim::text,
                t.typcategory::text
            )
        end
    )
from pg_type t
join pg_namespace n on n.oid = t.typnamespace
left join pg_class c on c.oid = t.typrelid
where (c.oid is null or c.relkind::text = 'c') and t.typelem = 0 and [own n] and [free pg_type t]

-- name: policies
select
    p.polrelid::regclass::text || '.' || p.polname,
    concat_ws(' ',
        case when p.polpermissive then 'permissive' else 'restrictive' end,
        p.polcmd::text,
        'to ' || (
            select string_agg(coalesce(r.rolname, 'public'), ', ' order by r.rolname)
            from unnest(p.polroles) who left join pg_roles r on r.oid = who
        ),
        'using ' || pg_get_expr(p.polqual, p.polrelid),
        'check ' || pg_get_expr(p.polwithcheck, p.polrelid)
    )
from pg_policy p
join pg_class c on c.oid = p.polrelid
join pg_namespace n on n.oid = c.relnamespace
where [own n] and [free pg_class c]

-- name: sequences
select
    s.seqrelid::regclass::text,
    concat_ws(' ',
        format_type(s.seqtypid, null), 'start', s.seqstart, 'by', s.seqincrement, 'from', s.seqmin, 'to', s.seqmax,
        'cache', s.seqcache, case when s.seqcycle then 'cycle' end,
        'owned by ' || (
            select d.refobjid::regclass::text || '.' || a.attname
            from pg_depend d join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
            where d.classid = 'pg_class'::regclass and d.objid = s.seqrelid and d.deptype in ('a', 'i')
        )
    )
from pg_sequence s
join pg_class c on c.oid = s.seqrelid
join pg_namespace n on n.oid = c.relnamespace
where [own n] and [free pg_class c]

-- name: statistics
select n.nspname || '.' || s.stxname, concat_ws(' ', pg_get_statisticsobjdef(s.oid), nullif(s.stxstattarget::int, -1))
from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace
where [own n]

-- name: text_search
select
    n.nspname || '.' || g.cfgname,
    'parser ' || p.prsname || coalesce((
        select ' ' || string_agg(m.maptokentype || '>' || m.mapdict::regdictionary::text, ', ' order by m.maptokentype, m.mapseqno)
        from pg_ts_config_map m where m.mapcfg = g.oid
    ), '')
from pg_ts_config g
join pg_ts_parser p on p.oid = g.cfgparser
join pg_namespace n on n.oid = g.cfgnamespace
where [own n] and [free pg_ts_config g]
union all
select n.nspname || '.' || d.dictname, concat_ws(' ', 'dictionary', t.tmplname, d.dictinitoption)
from pg_ts_dict d
join pg_ts_template t on t.oid = d.dicttemplate
join pg_namespace n on n.oid = d.dictnamespace
where [own n] and [free pg_ts_dict d]

-- name: collations
select
    n.nspname || '.' || o.collname,
    concat_ws(' ',
        o.collprovider::text, o.collcollate, o.collctype,
        coalesce(to_jsonb(o) ->> 'colllocale', to_jsonb(o) ->> 'colliculocale'),
        'rules ' || (to_jsonb(o) ->> 'collicurules'),
        case when not o.collisdeterministic then 'nondeterministic' end
    )
from pg_collation o join pg_namespace n on n.oid = o.collnamespace
where [own n] and [free pg_collation o]

-- name: casts
select
    format_type(k.castsource, null) || ' as ' || format_type(k.casttarget, null),
    concat_ws(' ', nullif(k.castfunc, 0)::regprocedure, k.castcontext::text, k.castmethod::text)
from pg_cast k
where k.oid >= 16384 and [free pg_cast k]

-- name: operators
select
    o.oid::regoperator::text,
    concat_ws(' ',
        o.oprcode, o.oprcom::regoperator, o.oprnegate::regoperator, o.oprrest, o.oprjoin,
        case when o.oprcanmerge then 'merges' end, case when o.oprcanhash then 'hashes' end
    )
from pg_operator o join pg_namespace n on n.oid = o.oprnamespace
where [own n] and [free pg_operator o]

-- name: operator_classes
select
    n.nspname || '.' || o.opcname || ' using ' || a.amname,
    concat_ws(' ',
        format_type(o.opcintype, null), case when o.opcdefault then 'default' end, 'of', f.opfname,
        'stores ' || format_type(nullif(o.opckeytype, 0), null)
    )
from pg_opclass o
join pg_opfamily f on f.oid = o.opcfamily
join pg_am a on a.oid = o.opcmethod
join pg_namespace n on n.oid = o.opcnamespace
where [own n] and [free pg_opclass o]
union all
select
    'family ' || n.nspname || '.' || f.opfname || ' using ' || a.amname,
    concat_ws(' ',
        (
            select string_agg(concat_ws(' ', m.amopstrategy, m.amopopr::regoperator, m.amoppurpose::text, s.opfname), ', ' order by m.amopstrategy, m.amopopr::regoperator::text)
            from pg_amop m left join pg_opfamily s on s.oid = m.amopsortfamily where m.amopfamily = f.oid
        ),
        (
            select string_agg(concat_ws(' ', m.amprocnum, m.amproc::regprocedure), ', ' order by m.amprocnum, m.amproc::regprocedure::text)
            from pg_amproc m where m.amprocfamily = f.oid
        )
    )
from pg_opfamily f
join pg_am a on a.oid = f.opfmethod
join pg_namespace n on n.oid = f.opfnamespace
where [own n] and [free pg_opfamily f]

-- name: other_objects
select 'language ' || l.lanname, concat_ws(' ', nullif(l.lanplcallfoid, 0)::regproc, case when l.lanpltrusted then 'trusted' end)
from pg_language l
where l.oid >= 16384 and [free pg_language l]
union all
select 'conversion ' || n.nspname || '.' || v.conname, concat_ws(' ', v.conforencoding, v.contoencoding, v.conproc, v.condefault)
from pg_conversion v join pg_namespace n on n.oid = v.connamespace
where [own n] and [free pg_conversion v]
union all
select 'access method ' || a.amname, concat_ws(' ', a.amhandler, a.amtype::text)
from pg_am a
where a.oid >= 16384 and [free pg_am a]
union all
select
    'transform for ' || format_type(t.trftype, null) || ' in ' || l.lanname,
    concat_ws(' ', nullif(t.trffromsql, 0)::regprocedure, nullif(t.trftosql, 0)::regprocedure)
from pg_transform t join pg_language l on l.oid = t.trflang
where [free pg_transform t]
union all
select 'parser ' || n.nspname || '.' || p.prsname, concat_ws(' ', p.prsstart, p.prstoken, p.prsend, p.prsheadline, p.prslextype)
from pg_ts_parser p join pg_namespace n on n.oid = p.prsnamespace
where [own n] and [free pg_ts_parser p]
union all
select 'template ' || n.nspname || '.' || t.tmplname, concat_ws(' ', t.tmplinit, t.tmpllexize)
from pg_ts_template t join pg_namespace n on n.oid = t.tmplnamespace
where [own n] and [free pg_ts_template t]

-- name: foreign_servers
-- Options of a user mapping are left out: they hold passwords.
select s.srvname, concat_ws(' ', w.fdwname, s.srvtype, s.srvversion, s.srvoptions::text)
from pg_foreign_server s join pg_foreign_data_wrapper w on w.oid = s.srvfdw
union all
select
    'wrapper ' || w.fdwname,
    concat_ws(' ', nullif(w.fdwhandler, 0)::regproc, nullif(w.fdwvalidator, 0)::regproc, w.fdwoptions::text)
from pg_foreign_data_wrapper w
where [free pg_foreign_data_wrapper w]
union all
select f.ftrelid::regclass::text, concat_ws(' ', s.srvname, f.ftoptions::text)
from pg_foreign_table f join pg_foreign_server s on s.oid = f.ftserver
union all
select 'mapping of ' || u.usename || ' on ' || u.srvname, 'mapping'
from pg_user_mappings u

-- name: publications
select
    p.pubname,
    concat_ws(' ',
        case when p.puballtables then 'all tables' end,
        'insert ' || p.pubinsert, 'update ' || p.pubupdate, 'delete ' || p.pubdelete, 'truncate ' || p.pubtruncate,
        case when p.pubviaroot then 'by root' end,
        'generated ' || nullif(to_jsonb(p) ->> 'pubgencols', 'n'),
        (
            select string_agg(
                concat_ws(' ',
                    r.prrelid::regclass::text,
                    (
                        select string_agg(a.attname, '+' order by a.attname)
                        from pg_attribute a where a.attrelid = r.prrelid and a.attnum = any(r.prattrs)
                    ),
                    pg_get_expr(r.prqual, r.prrelid)
                ), ', ' order by r.prrelid::regclass::text
            )
            from pg_publication_rel r where r.prpubid = p.oid
        ),
        'schemas ' || (
            select string_agg(n.nspname, ', ' order by n.nspname)
            from pg_publication_namespace s join pg_namespace n on n.oid = s.pnnspid where s.pnpubid = p.oid
        )
    )
from pg_publication p
where p.pubname !~ '^lotok_move' and [free pg_publication p]

-- name: settings
select
    concat_ws(' in ', r.rolname, case when s.setdatabase <> 0 then 'this database' end) || ': ' || split_part(pair, '=', 1),
    substr(pair, strpos(pair, '=') + 1)
from pg_db_role_setting s
left join pg_roles r on r.oid = s.setrole
cross join unnest(s.setconfig) pair
where s.setdatabase in (0, (select d.oid from pg_database d where d.datname = current_database()))
    and (s.setrole = 0 or not r.rolsuper and r.rolname <> all(%(managed)s))

-- name: defaults
-- What the server's own configuration says where neither database nor role does: answers depend on it.
select s.name, replace(s.reset_val, 'Etc/UTC', 'UTC')
from pg_settings s
where s.name in (
        'TimeZone', 'DateStyle', 'IntervalStyle', 'default_text_search_config', 'default_transaction_isolation',
        'default_transaction_read_only', 'standard_conforming_strings', 'transform_null_equals', 'array_nulls',
        'bytea_output', 'xmlbinary', 'lc_monetary', 'lc_numeric', 'lc_time'
    )
    and not exists (
        select from pg_db_role_setting d cross join unnest(d.setconfig) pair
        where d.setdatabase in (0, (select b.oid from pg_database b where b.datname = current_database()))
            and split_part(pair, '=', 1) = s.name
    )

-- name: encoding
select 'database', pg_encoding_to_char(d.encoding)
from pg_database d
where d.datname = current_database()

-- name: locale
select
    'database',
    concat_ws(' ',
        d.datcollate, d.datctype, 'provider ' || d.datlocprovider::text,
        coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'),
        'version ' || d.datcollversion
    )
from pg_database d
where d.datname = current_database()

-- name: large_objects
select 'large objects', count(*)::text
from pg_largeobject_metadata
having count(*) > 0

-- name: comments
select concat_ws(' ', i.type, i.identity), md5(d.description)
from pg_description d cross join lateral pg_identify_object(d.classoid, d.objoid, d.objsubid) i
where (d.objoid >= 16384 or i.identity = 'public') and coalesce(i.schema, '') <> all(%(without)s)
    and i.type <> 'extension'
    and not exists (
        select from pg_depend e where e.classid = d.classoid and e.objid = d.objoid and e.deptype = 'e'
    )

-- name: labels
select concat_ws(' ', l.objtype, l.objname, l.provider), l.label
from pg_seclabels l

-- name: owners
select c.oid::regclass::text, r.rolname
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_roles r on r.oid = c.relowner
where c.relkind::text in ('r', 'p', 'v', 'm', 'f', 'S') and [own n] and [free pg_class c]
union all
select p.oid::regprocedure::text, r.rolname
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
join pg_roles r on r.oid = p.proowner
where [own n] and [free pg_proc p]
union all
select 'schema ' || n.nspname, r.rolname
from pg_namespace n join pg_roles r on r.oid = n.nspowner
where [own n]
union all
select 'type ' || format_type(t.oid, null), r.rolname
from pg_type t
join pg_namespace n on n.oid = t.typnamespace
join pg_roles r on r.oid = t.typowner
left join pg_class c on c.oid = t.typrelid
where (c.oid is null or c.relkind::text = 'c') and t.typelem = 0 and [own n] and [free pg_type t]
union all
select 'large object ' || l.oid, r.rolname
from pg_largeobject_metadata l join pg_roles r on r.oid = l.lomowner
union all
select 'server ' || s.srvname, r.rolname
from pg_foreign_server s join pg_roles r on r.oid = s.srvowner

-- name: runs_as
-- Where an owner is a right: as whom a function runs, as whom a view reads, and who stands above a table's policies.
select
    made.what,
    case when r.rolsuper or r.rolname = any(%(managed)s) or r.rolname = any(%(movers)s) then 'those who move' else r.rolname end
from (
    select p.oid::regprocedure::text as what, p.proowner as owner
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where p.prosecdef and [own n] and [free pg_proc p]
    union all
    select c.oid::regclass::text, c.relowner
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where (c.relkind::text in ('v', 'm') or c.relrowsecurity) and [own n] and [free pg_class c]
) made
join pg_roles r on r.oid = made.owner

-- name: grants
-- What an owner may do is no grant, and an empty list says the default. Those who move, the databases' owners and the
-- provider have rights that are nobody else's matter.
select what, string_agg(coalesce(r.rolname, 'public') || ' ' || g.privilege_type || case when g.is_grantable then '*' else '' end, ', ' order by r.rolname nulls first, g.privilege_type)
from (
    select c.oid::regclass::text as what, c.relacl as acl, c.relowner as owner
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind::text in ('r', 'p', 'v', 'm', 'f', 'S') and [own n] and [free pg_class c]
    union all
    select a.attrelid::regclass::text || '.' || a.attname, a.attacl, c.relowner
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid
    join pg_namespace n on n.oid = c.relnamespace
    where a.attnum > 0 and [own n] and [free pg_class c]
    union all
    select p.oid::regprocedure::text, coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where [own n] and [free pg_proc p]
    union all
    select 'schema ' || n.nspname, n.nspacl, n.nspowner
    from pg_namespace n
    where [own n]
    union all
    select 'type ' || format_type(t.oid, null), coalesce(t.typacl, acldefault('T', t.typowner)), t.typowner
    from pg_type t
    join pg_namespace n on n.oid = t.typnamespace
    left join pg_class c on c.oid = t.typrelid
    where (c.oid is null or c.relkind::text = 'c') and t.typelem = 0 and t.typtype::text <> 'm'
        and [own n] and [free pg_type t]
    union all
    select 'large object ' || l.oid, l.lomacl, l.lomowner
    from pg_largeobject_metadata l
    union all
    select 'server ' || s.srvname, s.srvacl, s.srvowner
    from pg_foreign_server s
    union all
    select 'wrapper ' || w.fdwname, w.fdwacl, w.fdwowner
    from pg_foreign_data_wrapper w
    union all
    select 'language ' || l.lanname, coalesce(l.lanacl, acldefault('l', l.lanowner)), l.lanowner
    from pg_language l
    where l.lanispl
    union all
    select 'this database', coalesce(b.datacl, acldefault('d', b.datdba)), b.datdba
    from pg_database b
    where b.datname = current_database()
) held
cross join lateral aclexplode(held.acl) g
left join pg_roles r on r.oid = g.grantee
where g.grantee <> held.owner
    and coalesce(not r.rolsuper and r.rolname <> all(%(managed)s) and r.rolname <> all(%(movers)s), true)
group by what

-- name: default_grants
-- What everybody may do with new functions and types, where nothing else was said, is in no list of the database.
select
    concat_ws(' ', made.by, 'in ' || made.within, made.kind),
    concat_ws(', ', nullif(string_agg(made.given, ', ' order by made.given), ''), max(made.withheld))
from (
    select
        case when r.rolsuper or r.rolname = any(%(managed)s) or r.rolname = any(%(movers)s) then 'those who move' else r.rolname::text end as by,
        n.nspname as within, a.defaclobjtype::text as kind,
        case when a.defaclnamespace = 0 and a.defaclobjtype::text in ('f', 'T') and not exists (
            select from aclexplode(a.defaclacl) p where p.grantee = 0
        ) then 'nothing to public' end as withheld,
        coalesce(w.rolname, 'public') || ' ' || g.privilege_type || case when g.is_grantable then '*' else '' end as given
    from pg_default_acl a
    join pg_roles r on r.oid = a.defaclrole
    left join pg_namespace n on n.oid = a.defaclnamespace
    left join lateral (
        select e.* from aclexplode(a.defaclacl) e
        left join pg_roles x on x.oid = e.grantee
        where e.grantee <> a.defaclrole
            and coalesce(not x.rolsuper and x.rolname <> all(%(managed)s) and x.rolname <> all(%(movers)s), true)
            and not (e.grantee = 0 and a.defaclnamespace = 0 and a.defaclobjtype::text in ('f', 'T'))
    ) g on true
    left join pg_roles w on w.oid = g.grantee
    where coalesce(n.nspname <> all(%(without)s), true)
) made
group by 1
having count(made.given) > 0 or max(made.withheld) is not null

-- name: roles
-- Who is a member may have a group's rights, become it, and admit others (*); before 16 the first two were one.
select r.rolname, concat_ws(' ',
    case when r.rolcanlogin then 'login' end, case when r.rolinherit then 'inherit' end,
    case when r.rolbypassrls then 'bypasses row security' end, case when r.rolsuper then 'superuser' end,
    case when r.rolcreaterole then 'makes roles' end, case when r.rolcreatedb then 'makes databases' end,
    case when r.rolreplication then 'replicates' end,
    'until ' || nullif(r.rolvaliduntil, 'infinity'), nullif(r.rolconnlimit, -1) || ' connections',
    'member of ' || (
        select string_agg(
            concat_ws(' ',
                g.rolname || case when m.admits then '*' else '' end,
                case when not m.has then '(without its rights)' when not m.becomes then '(its rights alone)' end
            ), ', ' order by g.rolname::text
        )
        from (
            select
                a.roleid, bool_or(a.admin_option) as admits,
                bool_or(coalesce((to_jsonb(a) ->> 'inherit_option')::boolean, r.rolinherit)) as has,
                bool_or(coalesce((to_jsonb(a) ->> 'set_option')::boolean, true)) as becomes
            from pg_auth_members a
            where a.member = r.oid and r.rolname <> all(%(movers)s)
            group by a.roleid
        ) m
        join pg_roles g on g.oid = m.roleid
    ))
from pg_roles r
where r.rolname !~ '^pg_' and r.rolname <> all(%(managed)s) and not (r.rolsuper and r.rolname = any(%(movers)s))
