-- The objects of a schema that pg-delta does not read: kind, schema, name, everything about it that can
-- differ, and what makes and removes it (null where that cannot be written). Members of extensions, and
-- what belongs to something else, are left out. Read with the search_path pg_catalog, so that all names
-- are qualified. What other objects are set to is in sql/schema_settings.sql.
with space as (
  select oid, nspname as name
    from pg_namespace
   where nspname !~ '^pg_' and nspname <> 'information_schema'
), owned as (
  select classid, objid from pg_depend where deptype in ('e', 'i') and objsubid = 0
)
select 'statistics object' as kind, s.name as schema, format('%I.%I', s.name, stxname) as name,
       concat_ws(' ', pg_get_statisticsobjdef(x.oid), x.stxowner::regrole,
                 nullif(coalesce(stxstattarget, -1), -1), obj_description(x.oid, 'pg_statistic_ext')) as definition,
       concat_ws(E'\n',
                 pg_get_statisticsobjdef(x.oid) || ';',
                 case when coalesce(stxstattarget, -1) >= 0
                      then format('alter statistics %I.%I set statistics %s;', s.name, stxname,
                                  stxstattarget) end,
                 'comment on statistics ' || format('%I.%I', s.name, stxname) || ' is '
                   || quote_literal(obj_description(x.oid, 'pg_statistic_ext')) || ';') as create,
       format('drop statistics %I.%I;', s.name, stxname) as drop
  from pg_statistic_ext x
  join space s on s.oid = x.stxnamespace
 where not exists (
   select from owned where classid = 'pg_statistic_ext'::regclass and objid = x.oid)
union all
select 'cast', null, format('(%s as %s)', castsource::regtype, casttarget::regtype),
       concat_ws(' ', castmethod, castcontext, nullif(castfunc, 0)::regprocedure,
                 obj_description(c.oid, 'pg_cast')),
       concat_ws(E'\n',
                 format('create cast (%s as %s) %s%s;', castsource::regtype, casttarget::regtype,
                        case castmethod when 'f' then 'with function ' || castfunc::regprocedure
                             when 'i' then 'with inout' else 'without function' end,
                        case castcontext when 'a' then ' as assignment' when 'i' then ' as implicit'
                             else '' end),
                 format('comment on cast (%s as %s) is ', castsource::regtype, casttarget::regtype)
                   || quote_literal(obj_description(c.oid, 'pg_cast')) || ';'),
       format('drop cast (%s as %s);', castsource::regtype, casttarget::regtype)
  from pg_cast c
 where oid >= 16384
   and not exists (select from owned where classid = 'pg_cast'::regclass and objid = c.oid)
union all
select 'operator', s.name, o.oid::regoperator::text,
       concat_ws(' ', oprcode, oprowner::regrole, oprcanmerge, oprcanhash, nullif(oprcom, 0)::regoperator,
                 nullif(oprnegate, 0)::regoperator, nullif(oprrest, 0)::regproc,
                 nullif(oprjoin, 0)::regproc, obj_description(o.oid, 'pg_operator')),
       concat_ws(E'\n',
         format('create operator %I.%s (%s);', s.name, oprname,
              concat_ws(', ',
                'function = ' || oprcode::text,
                'leftarg = ' || nullif(oprleft, 0)::regtype,
                'rightarg = ' || nullif(oprright, 0)::regtype,
                'commutator = ' || (
                  select format('operator(%I.%s)', n.nspname, other.oprname)
                    from pg_operator other join pg_namespace n on n.oid = other.oprnamespace
                   where other.oid = o.oprcom),
                'negator = ' || (
                  select format('operator(%I.%s)', n.nspname, other.oprname)
                    from pg_operator other join pg_namespace n on n.oid = other.oprnamespace
                   where other.oid = o.oprnegate),
                'restrict = ' || nullif(oprrest, 0)::regproc,
                'join = ' || nullif(oprjoin, 0)::regproc,
                case when oprcanhash then 'hashes' end,
                case when oprcanmerge then 'merges' end)),
         format('comment on operator %s is ', o.oid::regoperator)
           || quote_literal(obj_description(o.oid, 'pg_operator')) || ';'),
       -- Partners that nobody has defined are shells, which came with it and do not go along.
       concat_ws(E'\n',
         format('drop operator %s;', o.oid::regoperator),
         (select string_agg(format('drop operator if exists %s;', shell.oid::regoperator), E'\n'
                            order by shell.oid::regoperator::text)
            from pg_operator shell
           where shell.oid in (o.oprcom, o.oprnegate) and shell.oprcode = 0))
  from pg_operator o
  join space s on s.oid = o.oprnamespace
 where oprcode <> 0
   and not exists (select from owned where classid = 'pg_operator'::regclass and objid = o.oid)
union all
select 'operator class', s.name, format('%I.%I using %I', s.name, opcname, amname),
       concat_ws(' ', opcintype::regtype, opcdefault, nullif(opckeytype, 0)::regtype,
                 opcowner::regrole,
                 (select string_agg(format('%s %s', amopstrategy, amopopr::regoperator), ', '
                                    order by amopstrategy, amopopr::regoperator::text)
                    from pg_amop where amopfamily = opcfamily and amoplefttype = opcintype),
                 (select string_agg(format('%s %s', amprocnum, amproc::regprocedure), ', '
                                    order by amprocnum, amproc::regprocedure::text)
                    from pg_amproc where amprocfamily = opcfamily and amproclefttype = opcintype),
                 obj_description(c.oid, 'pg_opclass')),
       null,
       format('drop operator class %I.%I using %I;', s.name, opcname, amname)
  from pg_opclass c
  join space s on s.oid = c.opcnamespace
  join pg_am m on m.oid = c.opcmethod
 where not exists (select from owned where classid = 'pg_opclass'::regclass and objid = c.oid)
union all
select 'text search configuration', s.name, format('%I.%I', s.name, cfgname),
       concat_ws(' ', cfgparser, cfgowner::regrole, obj_description(c.oid, 'pg_ts_config')),
       concat_ws(E'\n',
                 format('create text search configuration %I.%I (parser = %s);', s.name, cfgname,
                        (select format('%I.%I', n.nspname, p.prsname)
                           from pg_ts_parser p join pg_namespace n on n.oid = p.prsnamespace
                          where p.oid = cfgparser)),
                 'comment on text search configuration ' || format('%I.%I', s.name, cfgname)
                   || ' is ' || quote_literal(obj_description(c.oid, 'pg_ts_config')) || ';'),
       format('drop text search configuration %I.%I;', s.name, cfgname)
  from pg_ts_config c
  join space s on s.oid = c.cfgnamespace
 where not exists (select from owned where classid = 'pg_ts_config'::regclass and objid = c.oid)
union all
-- By themselves: a configuration that is used somewhere cannot be made anew, and can be mapped anew.
select 'text search mappings', s.name, format('%I.%I', s.name, cfgname),
       string_agg(format('%s: %s', token, dictionaries), '; ' order by token),
       string_agg(
         format('alter text search configuration %I.%I add mapping for %s with %s;', s.name, cfgname,
                token, dictionaries),
         E'\n' order by token),
       format('alter text search configuration %I.%I drop mapping if exists for %s;', s.name, cfgname,
              string_agg(token, ', ' order by token))
  from pg_ts_config c
  join space s on s.oid = c.cfgnamespace
 cross join lateral (
   select t.alias as token,
          string_agg(m.mapdict::regdictionary::text, ', ' order by mapseqno) as dictionaries
     from pg_ts_config_map m
     join ts_token_type(c.cfgparser) t on t.tokid = m.maptokentype
    where m.mapcfg = c.oid
    group by t.alias) mapped
 where not exists (select from owned where classid = 'pg_ts_config'::regclass and objid = c.oid)
 group by s.name, cfgname
union all
select 'text search dictionary', s.name, format('%I.%I', s.name, dictname),
       concat_ws(' ', t.tmplname, dictinitoption, dictowner::regrole,
                 obj_description(d.oid, 'pg_ts_dict')),
       concat_ws(E'\n',
                 format('create text search dictionary %I.%I (template = %s);', s.name, dictname,
                        concat_ws(', ', format('%I.%I', n.nspname, tmplname), dictinitoption)),
                 format('comment on text search dictionary %I.%I is ', s.name, dictname)
                   || quote_literal(obj_description(d.oid, 'pg_ts_dict')) || ';'),
       format('drop text search dictionary %I.%I;', s.name, dictname)
  from pg_ts_dict d
  join space s on s.oid = d.dictnamespace
  join pg_ts_template t on t.oid = d.dicttemplate
  join pg_namespace n on n.oid = t.tmplnamespace
 where not exists (select from owned where classid = 'pg_ts_dict'::regclass and objid = d.oid)
union all
select 'conversion', s.name, format('%I.%I', s.name, conname),
       concat_ws(' ', conforencoding, contoencoding, conproc, condefault, conowner::regrole,
                 obj_description(c.oid, 'pg_conversion')),
       concat_ws(E'\n',
                 format('create %sconversion %I.%I for %L to %L from %s;',
                        case when condefault then 'default ' else '' end, s.name, conname,
                        pg_encoding_to_char(conforencoding), pg_encoding_to_char(contoencoding), conproc),
                 format('comment on conversion %I.%I is ', s.name, conname)
                   || quote_literal(obj_description(c.oid, 'pg_conversion')) || ';'),
       format('drop conversion %I.%I;', s.name, conname)
  from pg_conversion c
  join space s on s.oid = c.connamespace
 where not exists (select from owned where classid = 'pg_conversion'::regclass and objid = c.oid)
union all
-- Of a partitioned table's index pg-delta does not read which partitions have a part of it: one that not
-- all have is made with those that there are. That of a constraint is the constraint's.
select 'incomplete index', s.name, i.oid::regclass::text, made.sql, made.sql,
       format('drop index %s;', i.oid::regclass)
  from pg_index x
  join pg_class i on i.oid = x.indexrelid
  join space s on s.oid = i.relnamespace
 cross join lateral (
   select concat_ws(E'\n',
            string_agg(pg_get_indexdef(part.relid) || ';', E'\n' order by level, part.relid::regclass::text)
              filter (where part.relid not in (select conindid from pg_constraint where contype in ('p', 'u', 'x'))),
            string_agg(format('alter index %s attach partition %s;', part.parentrelid::regclass, part.relid::regclass),
                       E'\n' order by level, part.relid::regclass::text) filter (where level > 0),
            string_agg(format('comment on index %s is %L;', part.relid::regclass, comment),
                       E'\n' order by level, part.relid::regclass::text) filter (where comment is not null)) as sql
     from pg_partition_tree(i.oid) part
    cross join lateral obj_description(part.relid, 'pg_class') as comment) made
 where i.relkind = 'I'
   and not i.relispartition
   and not x.indisvalid
   and not exists (select from pg_constraint where conindid = i.oid and contype in ('p', 'u', 'x'))
   and not exists (select from owned where classid = 'pg_class'::regclass and objid = x.indrelid)
