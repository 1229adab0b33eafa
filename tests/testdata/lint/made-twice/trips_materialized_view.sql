create materialized view public.sums as select 1 as a;
create materialized view public.sums as select 1 as a;
