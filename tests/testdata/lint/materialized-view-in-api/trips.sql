create materialized view public.totals as select count(*) from public.notes;
