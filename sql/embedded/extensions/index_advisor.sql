-- The function, so that what calls it can be made. It has no advice.

create function index_advisor(query text)
returns table (
  startup_cost_before jsonb,
  startup_cost_after jsonb,
  total_cost_before jsonb,
  total_cost_after jsonb,
  index_statements text[],
  errors text[]
)
language sql volatile
as $$
  select null::jsonb, null::jsonb, null::jsonb, null::jsonb, '{}'::text[],
         array['The embedded database gives no advice on indexes']
$$;
