import { describeCatalog } from "../database/catalog.ts";
import type { Sql } from "../support/session.ts";

/** Everything that a migration can change, a line each, with the contents of all tables. */
export async function describeDatabase(sql: Sql): Promise<string[]> {
  const rows = await sql(DETAILS);
  return [...await describeCatalog(sql), ...rows.map(({ line }) => String(line))].sort();
}

/** The same without the contents: keys and times in them differ each time they are made. */
export async function describeSchema(sql: Sql): Promise<string[]> {
  const lines = await describeDatabase(sql);
  return lines.map((line) => line.replace(/( holds \d+ rows).*/, "$1"));
}

/** What the catalogue's description leaves out, as few migrations touch it. */
const DETAILS = `
  with relation as (
    select format('%I.%I', n.nspname, c.relname) as name, c.*
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where n.nspname !~ '^(pg_|information_schema$|supamigrate(_backup)?$)' and c.relpersistence <> 't'
  )
  select concat_ws(' ', 'attribute', name, attname, attnum - (
                     select count(*) from pg_attribute d
                      where d.attrelid = a.attrelid and d.attisdropped and d.attnum < a.attnum),
                   attcollation::regcollation, attstorage,
                   array(select option from unnest(attoptions) option where option !~ '^pg_'), to_jsonb(attstattarget)) as line
    from relation join pg_attribute a on attrelid = relation.oid
   where attnum > 0 and not attisdropped
  union all
  select concat_ws(' ', 'replica identity', name, relreplident, relispartition)
    from relation where relkind = 'r'
  union all
  select concat_ws(' ', 'inherits', inhrelid::regclass, inhparent::regclass) from pg_inherits
  union all
  select concat_ws(' ', 'sequence', name, seqtypid::regtype, seqstart, seqincrement, seqmax, seqmin,
                   seqcache, seqcycle)
    from pg_sequence join relation on relation.oid = seqrelid
  union all
  select concat_ws(' ', 'domain', oid::regtype, typbasetype::regtype, typtypmod, typnotnull,
                   typdefault, typcollation::regcollation)
    from pg_type where typtype = 'd' and typnamespace = 'public'::regnamespace
  union all
  select concat_ws(' ', 'index', indexrelid::regclass, indisunique, indisclustered, indisvalid,
                   indnullsnotdistinct)
    from pg_index join relation on relation.oid = indexrelid
  union all
  select concat_ws(' ', 'rule', relation.name, rulename, ev_enabled, pg_get_ruledef(r.oid))
    from pg_rewrite r join relation on relation.oid = ev_class
  union all
  select concat_ws(' ', 'statistics', stxname, pg_get_statisticsobjdef(oid)) from pg_statistic_ext
  union all
  select concat_ws(' ', 'operator class', opcname, opcnamespace::regnamespace) from pg_opclass
   where opcnamespace <> 'pg_catalog'::regnamespace
  union all
  select concat_ws(' ', 'cast', castsource::regtype, casttarget::regtype) from pg_cast
   where oid >= 16384
  union all
  select concat_ws(' ', 'extension member', x.extname, o.type, o.identity)
    from pg_depend d
    join pg_extension x on x.oid = d.refobjid and d.refclassid = 'pg_extension'::regclass
   cross join lateral pg_identify_object(d.classid, d.objid, d.objsubid) o
   where d.deptype = 'e'
  union all
  select concat_ws(' ', 'trigger constraint', conrelid::regclass, conname, condeferrable,
                   condeferred)
    from pg_constraint where contype = 't'
`;
