-- The functions of schema public that are named $1, as PostgREST's schema cache lists
-- them: no procedures, aggregates or trigger functions.
--
-- The caller empties search_path first, so that the names of types come out qualified.

select
  (
    select coalesce(
      json_agg(
        json_build_object(
          'name', coalesce(p.proargnames[a.position], ''),
          'type', format_type(a.type, null),
          'required', a.input_position <= p.pronargs - p.pronargdefaults,
          'variadic', a.mode = 'v'
        )
        order by a.position
      ),
      '[]'
    )
    from (
      select
        i.position,
        i.type,
        coalesce(p.proargmodes[i.position], 'i') as mode,
        row_number() over (order by i.position) as input_position
      from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]))
        with ordinality as i (type, position)
      where coalesce(p.proargmodes[i.position], 'i') in ('i', 'b', 'v')
    ) a
  ) as parameters,
  p.proretset as returns_set,
  p.prorettype = 'pg_catalog.void'::regtype as returns_void,
  (
    t.typtype = 'c'
    -- A parameter of the kind TABLE, INOUT or OUT makes the result a row.
    or coalesce(p.proargmodes::text[] && '{t,b,o}', false)
  ) as returns_composite
from pg_catalog.pg_proc p
join pg_catalog.pg_type t on t.oid = coalesce(pg_basetype(p.prorettype), p.prorettype)
where p.pronamespace = 'public'::regnamespace
  and p.proname = $1
  and p.prokind = 'f'
  and p.prorettype <> 'pg_catalog.trigger'::regtype
order by p.pronargs, p.oid
