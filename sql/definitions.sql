-- The SQL of what is about to be dropped, for whoever is to make it anew: see safety_copies.sql.

-- What CREATE SEQUENCE says of how one counts.
create or replace function supamigrate.describe_counting(counting pg_sequence) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select format('increment %s minvalue %s maxvalue %s start %s cache %s%s', counting.seqincrement, counting.seqmin,
           counting.seqmax, counting.seqstart, counting.seqcache, case when counting.seqcycle then ' cycle' end)
$function$;

-- A column as CREATE TABLE and ADD COLUMN have it.
create or replace function supamigrate.describe_column(relation oid, number smallint) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
           case when a.attcollation not in (0, t.typcollation) then 'collate ' || a.attcollation::regcollation end,
           case when a.attgenerated = 's' then format('generated always as (%s) stored', pg_get_expr(d.adbin, d.adrelid))
                when a.attgenerated = 'v' then format('generated always as (%s) virtual', pg_get_expr(d.adbin, d.adrelid))
                when a.attidentity <> '' then (
                  select format('generated %s as identity (sequence name %s %s)',
                           case a.attidentity when 'a' then 'always' else 'by default' end, s.seqrelid::regclass,
                           supamigrate.describe_counting(s))
                    from pg_sequence s
                   where s.seqrelid = pg_get_serial_sequence(relation::regclass::text, a.attname)::regclass)
                when d.adbin is not null then 'default ' || pg_get_expr(d.adbin, d.adrelid) end,
           case when a.attnotnull then 'not null' end)
    from pg_attribute a
    join pg_type t on t.oid = a.atttypid
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
   where a.attrelid = relation and a.attnum = number
$function$;

create or replace function supamigrate.describe_relation(relation oid) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select case c.relkind
      when 'v' then format('create view %s%s as %s', c.oid::regclass,
        ' with (' || array_to_string(c.reloptions, ', ') || ')', pg_get_viewdef(c.oid))
      when 'm' then format('create materialized view %s as %s', c.oid::regclass, pg_get_viewdef(c.oid))
      when 'i' then pg_get_indexdef(c.oid)
      -- Of the partitions as well, whose own are made by it.
      when 'I' then regexp_replace(pg_get_indexdef(c.oid), ' ON ONLY ', ' ON ')
      when 'S' then (
        select format('create %ssequence %s as %s %s', case c.relpersistence when 'u' then 'unlogged ' end,
                 c.oid::regclass, format_type(s.seqtypid, null), supamigrate.describe_counting(s))
          from pg_sequence s where s.seqrelid = c.oid)
      else concat(
        'create ', case c.relpersistence when 'u' then 'unlogged ' end, 'table ', c.oid::regclass, ' (',
        (select string_agg(E'\n  ' || supamigrate.describe_column(c.oid, attnum), ',' order by attnum)
           from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped),
        E'\n)',
        ' partition by ' || pg_get_partkeydef(c.oid),
        case when c.reloptions is not null then format(' with (%s)', array_to_string(c.reloptions, ', ')) end,
        case when c.relrowsecurity then format(E';\nalter table %s enable row level security', c.oid::regclass) end,
        case when c.relforcerowsecurity then format(E';\nalter table %s force row level security', c.oid::regclass) end)
    end
    from pg_class c
   where c.oid = relation
$function$;

create or replace function supamigrate.describe_type(type oid) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select case t.typtype
      when 'e' then (
        select format('create type %s as enum (%s)', t.oid::regtype,
                 string_agg(quote_literal(enumlabel), ', ' order by enumsortorder))
          from pg_enum where enumtypid = t.oid)
      when 'd' then concat_ws(' ', format('create domain %s as %s', t.oid::regtype, format_type(t.typbasetype, t.typtypmod)),
        'default ' || t.typdefault, case when t.typnotnull then 'not null' end,
        (select string_agg(format('constraint %I %s', conname, pg_get_constraintdef(oid)), ' ')
           from pg_constraint where contypid = t.oid and contype = 'c'))
      when 'c' then (
        select format('create type %s as (%s)', t.oid::regtype,
                 string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' order by attnum))
          from pg_attribute where attrelid = t.typrelid and attnum > 0 and not attisdropped)
      when 'r' then (
        select format('create type %s as range (subtype = %s)', t.oid::regtype, rngsubtype::regtype)
          from pg_range where rngtypid = t.oid)
    end
    from pg_type t
    left join pg_class c on c.oid = t.typrelid
   where t.oid = type and (t.typrelid = 0 or c.relkind = 'c')
$function$;

-- What a column is stored with, as far as it is not its type's.
create or replace function supamigrate.describe_storage(relation oid, number smallint) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select nullif(concat_ws(E';\n',
           case when a.attstorage <> t.typstorage then
             format('%s set storage %s', head, case a.attstorage when 'p' then 'plain' when 'e' then 'external'
                      when 'm' then 'main' else 'extended' end) end,
           case a.attcompression when 'p' then head || ' set compression pglz' when 'l' then head || ' set compression lz4' end,
           case when a.attstattarget >= 0 then format('%s set statistics %s', head, a.attstattarget) end,
           (select format('%s set (%s)', head, string_agg(option, ', '))
              from unnest(a.attoptions) option where option !~ '^pg_' having count(*) > 0)), '')
    from pg_attribute a
    join pg_type t on t.oid = a.atttypid
   cross join lateral format('alter table only %s alter column %I', a.attrelid::regclass, a.attname) head
   where a.attrelid = relation and a.attnum = number
$function$;

-- The state of a trigger or a rule, where it is not the usual one.
create or replace function supamigrate.describe_state(relation oid, kind text, name name, state "char") returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select case when state <> 'O' then
    format('alter table %s %s %s %I', relation::regclass,
      case state when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end, kind, name) end
$function$;

-- What another role has to run, as what it is about is that one's: as a comment that says so.
create or replace function supamigrate.leave_to(owner oid, statement text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select case when pg_has_role(owner, 'usage') or coalesce(statement, '') = '' then statement
              else format(E'-- %s has to run:\n%s', owner::regrole,
                          regexp_replace(rtrim(statement, E'; \n') || ';', '^', '-- ', 'gn')) end
$function$;

-- The SQL of what goes with a drop, for whoever is to make it anew: in an order in which it can be run,
-- as far as the catalog can say. Columns' and tables' rows are in the copies; what belongs behind
-- them follows a line that says so.
create or replace function supamigrate.describe_gone(gone jsonb) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  with object as materialized (
    select (item->>0)::oid as class_id, (item->>1)::oid as object_id, (item->>2)::integer as sub_id
      from jsonb_array_elements(gone) item
  ), relation as materialized (
    select c.*
      from object
      join pg_class c on c.oid = object_id
     where class_id = 'pg_class'::regclass and sub_id = 0 and relkind in ('r', 'p', 'v', 'm', 'S', 'i', 'I')
       and relnamespace <> 'pg_toast'::regnamespace
       -- What a constraint or an identity makes comes with it.
       and not exists (
         select from pg_depend d
          where d.classid = class_id and d.objid = object_id and d.deptype in ('i', 'P')
            and not (c.relkind in ('r', 'p')))
  ), field as materialized (
    -- Columns: of what is gone as a whole, and those that are gone alone.
    select a.*, is_alone, a.attidentity <> '' or a.attgenerated <> '' as fills
      from (select oid as relation, null::smallint as number, false as is_alone
              from relation where relkind in ('r', 'p', 'v', 'm')
            union all
            select object_id, sub_id, true
              from object
             where class_id = 'pg_class'::regclass and sub_id > 0 and object_id not in (select oid from relation)) of
      join pg_attribute a on a.attrelid = of.relation and a.attnum > 0 and not a.attisdropped
       and (a.attnum = number or not is_alone)
  ), owned as materialized (
    -- What has an owner and is granted: how ALTER and GRANT call it, and what is granted by itself.
    select 'pg_class'::regclass::oid as class_id, oid as object_id, oid::regclass::text as name,
           case relkind when 'S' then 'sequence' when 'v' then 'view' when 'm' then 'materialized view' else 'table' end as altered,
           case relkind when 'S' then 'sequence' else 'table' end as granted,
           case relkind when 'S' then 'S'::"char" else 'r' end as type,
           relnamespace as schema, relowner as owner, relacl as acl
      from relation
     where relkind not in ('i', 'I')
    union all
    select class_id, oid, oid::regprocedure::text, 'routine', 'routine', 'f', pronamespace, proowner, proacl
      from object join pg_proc on oid = object_id where class_id = 'pg_proc'::regclass and prokind in ('f', 'p', 'w')
    union all
    select class_id, t.oid, t.oid::regtype::text, 'type', 'type', 'T', typnamespace, typowner, typacl
      from object
      join pg_type t on t.oid = object_id
     where class_id = 'pg_type'::regclass and supamigrate.describe_type(t.oid) is not null
    union all
    select class_id, oid, quote_ident(nspname), 'schema', 'schema', 'n', 0, nspowner, nspacl
      from object join pg_namespace on oid = object_id where class_id = 'pg_namespace'::regclass
  ), part (place, number, text) as (
    select 1, object_id::bigint, 'create schema ' || name from owned where granted = 'schema'
    union all
    select 2, object_id, format('create extension %I schema %I', extname, n.nspname)
      from object
      join pg_extension e on e.oid = object_id
      join pg_namespace n on n.oid = extnamespace
     where class_id = 'pg_extension'::regclass
    union all
    select 3, object_id, supamigrate.describe_type(object_id) from owned where granted = 'type'
    union all
    select case when relkind = 'S' then 4 when relkind in ('r', 'p') then 5 when relkind in ('i', 'I') then 12 else 11 end,
           oid, supamigrate.describe_relation(oid) from relation
    union all
    select 6, i.inhrelid, case when c.relispartition
             then format('alter table %s attach partition %s %s', i.inhparent::regclass, c.oid::regclass,
                    pg_get_expr(c.relpartbound, c.oid))
             else format('alter table %s inherit %s', c.oid::regclass, i.inhparent::regclass) end
      from relation c join pg_inherits i on i.inhrelid = c.oid
     where c.relkind in ('r', 'p')
    union all
    select 7, attrelid, format('alter table %s add column %s', attrelid::regclass,
             case when fills then supamigrate.describe_column(attrelid, attnum)
                  else regexp_replace(supamigrate.describe_column(attrelid, attnum), ' not null$', '') end)
      from field where is_alone
    union all
    select 16, attrelid, format('alter table %s alter column %I set not null', attrelid::regclass, attname)
      from field where is_alone and attnotnull and not fills
    union all
    select 8, f.attrelid, supamigrate.describe_storage(f.attrelid, f.attnum)
      from field f join pg_class c on c.oid = f.attrelid where c.relkind in ('r', 'p')
    union all
    select 9, c.oid, format('alter sequence %s owned by %s.%I', c.oid::regclass, d.refobjid::regclass, a.attname)
      from relation c
      join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'a'
       and d.refclassid = 'pg_class'::regclass
      join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
     where c.relkind = 'S'
    union all
    -- As a CASE: what is asked of all these texts is asked before the rows are chosen, and of an
    -- aggregate it is an error.
    select 10, object_id,
           case when p.prokind in ('f', 'p', 'w') then pg_get_functiondef(object_id) end
      from object join pg_proc p on p.oid = object_id
     where class_id = 'pg_proc'::regclass and p.prokind in ('f', 'p', 'w')
       and not exists (select from pg_depend d where d.classid = class_id and d.objid = object_id and d.deptype = 'e')
    union all
    -- Default privileges may open what is made anew to others than before.
    select 13, object_id, format('revoke all on %s %s from %s', granted, name, grantee)
      from owned
     cross join lateral (
       select case when a.grantee = 0 then 'public' else a.grantee::regrole::text end as grantee
         from pg_default_acl d
        cross join aclexplode(d.defaclacl) a
        where d.defaclrole = current_user::regrole and d.defaclobjtype = type and d.defaclnamespace in (0, schema)
          and a.grantee <> owner
       union
       select 'public' where type in ('f', 'T') and acl is not null) given
    union all
    select case contype when 'f' then 16 else 14 end, object_id, supamigrate.leave_to(
             case when exists (select from relation where oid = conrelid) then current_user::regrole else r.relowner end,
             format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(object_id)))
      from object
      join pg_constraint c on c.oid = object_id
      join pg_class r on r.oid = conrelid
     where class_id = 'pg_constraint'::regclass and conrelid <> 0 and conparentid = 0
       and contype in ('p', 'u', 'c', 'x', 'f') and (conislocal or coninhcount = 0)
    union all
    select 15, c.oid, case
             when c.relreplident = 'f' then format('alter table %s replica identity full', c.oid::regclass)
             when c.relreplident = 'n' then format('alter table %s replica identity nothing', c.oid::regclass) end
      from relation c where c.relkind in ('r', 'p')
    union all
    select 15, i.indrelid, concat_ws(E';\n',
             case when i.indisreplident then format('alter table %s replica identity using index %I', i.indrelid::regclass, x.relname) end,
             case when i.indisclustered then format('alter table %s cluster on %I', i.indrelid::regclass, x.relname) end)
      from relation c
      join pg_index i on i.indrelid = c.oid and (i.indisreplident or i.indisclustered)
      join pg_class x on x.oid = i.indexrelid
    union all
    select 15, object_id, pg_get_statisticsobjdef(object_id) from object where class_id = 'pg_statistic_ext'::regclass
    union all
    select place, object_id, text
      from object
      join pg_trigger t on t.oid = object_id
      join pg_class c on c.oid = tgrelid
     cross join lateral (
       values (17, case when has_table_privilege(tgrelid, 'trigger') then pg_get_triggerdef(object_id)
                        else supamigrate.leave_to(c.relowner, pg_get_triggerdef(object_id)) end),
              (19, supamigrate.leave_to(
                case when exists (select from relation r where r.oid = tgrelid) then current_user::regrole else c.relowner end,
                supamigrate.describe_state(tgrelid, 'trigger', tgname, tgenabled)))) told (place, text)
     where class_id = 'pg_trigger'::regclass and not tgisinternal and tgparentid = 0
    union all
    select 17, object_id, concat_ws(E'\n', pg_get_ruledef(object_id),
             supamigrate.describe_state(ev_class, 'rule', rulename, ev_enabled))
      from object join pg_rewrite r on r.oid = object_id
     where class_id = 'pg_rewrite'::regclass and r.rulename <> '_RETURN'
    union all
    select 18, object_id, concat_ws(' ', format('create policy %I on %s', polname, polrelid::regclass),
             case when not polpermissive then 'as restrictive' end,
             'for ' || case polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
                                   when 'd' then 'delete' else 'all' end,
             'to ' || (select string_agg(case role when 0 then 'public' else quote_ident(pg_get_userbyid(role)) end, ', ')
                         from unnest(polroles) role),
             'using (' || pg_get_expr(polqual, polrelid) || ')',
             'with check (' || pg_get_expr(polwithcheck, polrelid) || ')')
      from object join pg_policy p on p.oid = object_id
     where class_id = 'pg_policy'::regclass
    union all
    select 19, object_id, format('alter publication %I add table only %s%s%s', pubname, prrelid::regclass,
             (select format(' (%s)', string_agg(quote_ident(attname), ', ' order by attnum))
                from pg_attribute where attrelid = prrelid and attnum = any (prattrs)),
             ' where (' || pg_get_expr(prqual, prrelid) || ')')
      from object
      join pg_publication_rel r on r.oid = object_id
      join pg_publication p on p.oid = prpubid
     where class_id = 'pg_publication_rel'::regclass
    union all
    select 23, object_id, case when pg_has_role(owner, 'usage') then format('alter %s %s owner to %s', altered, name, owner::regrole)
                               else format('-- A superuser has to run: alter %s %s owner to %s;', altered, name, owner::regrole) end
      from owned where owner <> current_user::regrole
    union all
    select 21, object_id, format('grant %s on %s %s to %s%s',
             string_agg(acl.privilege_type, ', ' order by acl.privilege_type), granted, name,
             case acl.grantee when 0 then 'public' else acl.grantee::regrole::text end,
             case when acl.is_grantable then ' with grant option' end)
      from owned cross join lateral aclexplode(owned.acl) acl
     where acl.grantee <> owner
     group by object_id, granted, name, acl.grantee, acl.is_grantable
    union all
    select 21, attrelid, format('grant %s (%I) on table %s to %s%s', acl.privilege_type, attname, attrelid::regclass,
             case acl.grantee when 0 then 'public' else acl.grantee::regrole::text end,
             case when acl.is_grantable then ' with grant option' end)
      from field cross join lateral aclexplode(attacl) acl
    union all
    -- As "table constraint" and "name on table", which COMMENT calls a constraint.
    select 22, d.objoid, supamigrate.leave_to(coalesce(t.relowner, current_user::regrole),
             format('comment on %s %s is %L', regexp_replace(what.type, '^.* (column|constraint)$', '\1'),
               case what.type when 'domain constraint' then replace(what.identity, ' on ', ' on domain ')
                              else what.identity end, d.description))
      from (select * from object
            union
            select 'pg_class'::regclass, attrelid, attnum from field) described
      join pg_description d
        on d.classoid = class_id and d.objoid = object_id and d.objsubid = sub_id
     cross join lateral pg_identify_object(class_id, object_id, sub_id) what
      left join pg_trigger g on class_id = 'pg_trigger'::regclass and g.oid = object_id
      left join pg_constraint k on class_id = 'pg_constraint'::regclass and k.oid = object_id
      left join pg_policy y on class_id = 'pg_policy'::regclass and y.oid = object_id
      -- Of a table that stays.
      left join pg_class t on t.oid = coalesce(g.tgrelid, k.conrelid, y.polrelid)
       and t.oid not in (select oid from relation)
  ), told as (
    select place, number, text from part where text <> ''
    union all
    select 15.5, 0, '-- Behind the rows:' where exists (select from part where place > 15 and text <> '')
  )
  select string_agg(case when text like '--%' then text else rtrim(text, E'; \n') || ';' end, E'\n' order by place, number, text)
    from told
$function$;
