alter table public.notes add column author uuid not null default auth.uid();

create policy "Notes are their author's" on public.notes
  using (author = (select auth.uid()))
  with check (author = (select auth.uid()));

-- ROLLBACK
drop policy "Notes are their author's" on public.notes;
alter table public.notes drop column author;
