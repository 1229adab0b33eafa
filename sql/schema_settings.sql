-- What relations, their columns, indexes and triggers are set to besides what pg-delta reads: kind,
-- schema, name, the setting, what makes it so and what sets it back. As sql/schema_extras.sql has the
-- objects: members of extensions, and what belongs to something else, are left out. Read with the
-- search_path pg_catalog, so that all names are qualified.
with relation as (
  select c.oid, c.relkind, c.relispartition, c.relpersistence, c.reloftype, c.reltoastrelid,
         n.nspname as schema, format('%I.%I', n.nspname, c.relname) as name,
         format('alter %s %I.%I',
                case c.relkind when 'm' then 'materialized view' when 'f' then 'foreign table'
                     when 'v' then 'view' when 'S' then 'sequence' when 'i' then 'index'
                     when 'I' then 'index' else 'table' end,
                n.nspname, c.relname) as alter_it
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'f', 'm', 'v', 'S', 'i', 'I')
     and n.nspname !~ '^pg_'
     and n.nspname <> 'information_schema'
     and not exists (
       select from pg_depend d
        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.objsubid = 0
          and d.deptype in ('e', 'i'))
), altered as (
  select relation.*, a.attnum, a.attname, a.attcompression, a.attstorage, a.attnotnull, a.attgenerated,
         -- Servers from November 2026 on note there by themselves, as pg_attver, what no statement sets.
         nullif(array(select option from unnest(a.attoptions) option where option !~ '^pg_'), '{}') as attoptions,
         a.attacl, t.typstorage, coalesce(a.attstattarget, -1) as target,
         -- pg-delta reads the columns of tables, and of these what they have not from another table.
         relkind in ('r', 'p', 'f') and attislocal as is_read,
         pg_get_expr(d.adbin, d.adrelid) as by_default,
         col_description(relation.oid, a.attnum) as comment,
         format('%s alter column %I', alter_it, attname) as alter_column
    from relation
    join pg_attribute a on a.attrelid = relation.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
), inherited as (
  select own.*, parent.by_default as parent_default, parent.attnotnull as parent_not_null
    from altered own
    join pg_inherits h on h.inhrelid = own.oid and h.inhseqno = 1
    join altered parent on parent.oid = h.inhparent and parent.attname = own.attname
   where not own.is_read
     and own.attgenerated = ''
)
select 'statistics target' as kind, schema, format('%s.%I', name, attname) as name,
       target::text as definition,
       format('%s set statistics %s;', alter_column, target) as create,
       format('%s set statistics -1;', alter_column) as drop
  from altered
 where target >= 0
   and relkind in ('r', 'p', 'f', 'm')
union all
-- The columns of an index that are expressions have no names of their own.
select 'statistics target', schema, format('%s.%s', name, attnum), target::text,
       format('%s alter column %s set statistics %s;', alter_it, attnum, target),
       format('%s alter column %s set statistics -1;', alter_it, attnum)
  from altered
 where target >= 0
   and relkind in ('i', 'I')
   and not relispartition
union all
select 'storage', schema, format('%s.%I', name, attname), attstorage::text,
       format('%s set storage %s;', alter_column,
              case attstorage when 'p' then 'plain' when 'e' then 'external'
                   when 'm' then 'main' else 'extended' end),
       format('%s set storage %s;', alter_column,
              case typstorage when 'p' then 'plain' when 'e' then 'external'
                   when 'm' then 'main' else 'extended' end)
  from altered
 where relkind in ('r', 'p', 'm')
   and attstorage <> typstorage
union all
select 'compression', schema, format('%s.%I', name, attname), attcompression::text,
       format('%s set compression %s;', alter_column,
              case attcompression when 'l' then 'lz4' else 'pglz' end),
       format('%s set compression default;', alter_column)
  from altered
 where attcompression <> ''
   and relkind in ('r', 'p', 'm')
union all
select 'comment on column', schema, format('%s.%I', name, attname), comment,
       format('comment on column %s.%I is %L;', name, attname, comment),
       format('comment on column %s.%I is null;', name, attname)
  from altered
 where not is_read
   and relkind not in ('S', 'i', 'I')
   and comment is not null
union all
select 'comment on column', n.nspname, format('%I.%I.%I', n.nspname, typname, attname), comment,
       format('comment on column %I.%I.%I is %L;', n.nspname, typname, attname, comment),
       format('comment on column %I.%I.%I is null;', n.nspname, typname, attname)
  from pg_type t
  join pg_namespace n on n.oid = t.typnamespace
  join pg_class c on c.oid = t.typrelid and c.relkind = 'c'
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
 cross join lateral col_description(c.oid, a.attnum) as comment
 where comment is not null
   and not exists (
     select from pg_depend d
      where d.classid = 'pg_type'::regclass and d.objid = t.oid and d.deptype = 'e')
union all
-- The index of a constraint belongs to it, and has a comment of its own.
select 'comment on index', n.nspname, format('%I.%I', n.nspname, i.relname), comment,
       format('comment on index %I.%I is %L;', n.nspname, i.relname, comment),
       format('comment on index %I.%I is null;', n.nspname, i.relname)
  from relation
  join pg_constraint k on k.conrelid = relation.oid and k.contype in ('p', 'u', 'x')
  join pg_class i on i.oid = k.conindid
  join pg_namespace n on n.oid = i.relnamespace
 cross join lateral obj_description(i.oid, 'pg_class') as comment
 where comment is not null
union all
-- What an extension says of itself is no comment of anybody's; and only its owner can write one.
select 'comment on extension', null, quote_ident(extname), coalesce(said.comment, ''),
       format('comment on extension %I is %L;', extname, said.comment),
       format('comment on extension %I is %s;', extname, coalesce(quote_literal(a.comment), 'null'))
  from pg_extension e
 cross join lateral obj_description(e.oid, 'pg_extension') as said (comment)
  left join pg_available_extensions a on a.name = extname
 where extowner = (select oid from pg_roles where rolname = 'postgres')
   and said.comment is distinct from a.comment
union all
select 'comment on event trigger', null, quote_ident(evtname), comment,
       format('comment on event trigger %I is %L;', evtname, comment),
       format('comment on event trigger %I is null;', evtname)
  from pg_event_trigger e
 cross join lateral obj_description(e.oid, 'pg_event_trigger') as comment
 where evtowner = (select oid from pg_roles where rolname = 'postgres')
   and comment is not null
union all
select 'comment on role', null, quote_ident(rolname), comment,
       format('comment on role %I is %L;', rolname, comment),
       format('comment on role %I is null;', rolname)
  from pg_roles r
 cross join lateral shobj_description(r.oid, 'pg_authid') as comment
 where comment is not null
union all
select 'default of a view', schema, format('%s.%I', name, attname), by_default,
       format('%s set default %s;', alter_column, by_default),
       format('%s drop default;', alter_column)
  from altered
 where relkind = 'v'
   and by_default is not null
union all
select 'inherited default', schema, format('%s.%I', name, attname), coalesce(by_default, 'none'),
       alter_column || coalesce(' set default ' || by_default, ' drop default') || ';',
       alter_column || coalesce(' set default ' || parent_default, ' drop default') || ';'
  from inherited
 where by_default is distinct from parent_default
union all
select 'not null', schema, format('%s.%I', name, attname), 'not null',
       format('%s set not null;', alter_column),
       format('%s drop not null;', alter_column)
  from inherited
 where attnotnull
   and not parent_not_null
union all
select 'column options', schema, format('%s.%I', name, attname), array_to_string(attoptions, ', '),
       (select format('%s set (%s);', alter_column, string_agg(format('%I = %L', option, value), ', '))
          from pg_options_to_table(attoptions) as o (option, value)),
       (select format('%s reset (%s);', alter_column, string_agg(quote_ident(option), ', '))
          from pg_options_to_table(attoptions) as o (option, value))
  from altered
 where attoptions is not null
   and relkind in ('r', 'p', 'f', 'm')
union all
select 'column privileges', schema, format('%s.%I for %s', name, attname, grantee),
       string_agg(format('%s%s', privilege_type, grant_option), ', ' order by privilege_type),
       string_agg(format('grant %s (%I) on %s to %s%s;', lower(privilege_type), attname, name, grantee,
                         grant_option), E'\n' order by privilege_type),
       format('revoke all (%I) on %s from %s;', attname, name, grantee)
  from altered
 cross join lateral aclexplode(attacl) as given (grantor, grantee_id, privilege_type, is_grantable)
 cross join lateral (
   select case grantee_id when 0 then 'public' else grantee_id::regrole::text end as grantee,
          case when is_grantable then ' with grant option' else '' end as grant_option) said
 where not is_read
 group by schema, name, attname, grantee
union all
select 'typed table', schema, name, reloftype::regtype::text,
       format('%s of %s;', alter_it, reloftype::regtype),
       format('%s not of;', alter_it)
  from relation
 where reloftype <> 0
union all
select 'unlogged sequence', schema, name, 'unlogged',
       format('%s set unlogged;', alter_it),
       format('%s set logged;', alter_it)
  from relation
 where relkind = 'S'
   and relpersistence = 'u'
union all
select 'clustered index', relation.schema, relation.name, i.relname,
       format('%s cluster on %I;', alter_it, i.relname),
       format('%s set without cluster;', alter_it)
  from relation
  join pg_index x on x.indrelid = relation.oid and x.indisclustered
  join pg_class i on i.oid = x.indexrelid
union all
select 'options of TOAST', schema, name, string_agg(format('%s = %L', option, value), ', ' order by option),
       format('%s set (%s);', alter_it, string_agg(format('toast.%I = %L', option, value), ', ' order by option)),
       format('%s reset (%s);', alter_it, string_agg(format('toast.%I', option), ', ' order by option))
  from relation
  join pg_class t on t.oid = relation.reltoastrelid
 cross join lateral pg_options_to_table(t.reloptions) as o (option, value)
 group by relation.schema, relation.name, relation.alter_it
union all
-- The triggers of a partitioned table are made in its partitions with it, and can be switched off there.
select 'trigger in a partition', schema, format('%I on %s', own.tgname, name), own.tgenabled::text,
       format('%s %s trigger %I;', alter_it, switch.own, own.tgname),
       format('%s %s trigger %I;', alter_it, switch.whole, own.tgname)
  from relation
  join pg_trigger own on own.tgrelid = relation.oid
  join pg_trigger whole on whole.oid = own.tgparentid
 cross join lateral (
   select max(verb) filter (where state = own.tgenabled) as own,
          max(verb) filter (where state = whole.tgenabled) as whole
     from (values ('O'::"char", 'enable'), ('D', 'disable'), ('R', 'enable replica'),
                  ('A', 'enable always')) as v (state, verb)) switch
 where not own.tgisinternal
   and own.tgenabled <> whole.tgenabled
