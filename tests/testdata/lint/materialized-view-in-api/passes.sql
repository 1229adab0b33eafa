create materialized view app.totals as select count(*) from public.notes;
create materialized view public.closed as select count(*) from public.notes;
revoke all on public.closed from anon, authenticated;
