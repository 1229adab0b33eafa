/** Migrations by name, as they would stand in a folder. */
export const migrations: Readonly<Record<string, string>> = {
  "20260101000000_notes.sql": `
create table notes (
  id uuid primary key default gen_random_uuid(),
  owner uuid not null references auth.users (id) on delete cascade,
  body text not null
);
alter table notes enable row level security;
create policy "Owners have their notes" on notes
  to authenticated using ((select auth.uid()) = owner) with check ((select auth.uid()) = owner);
grant select, insert, update, delete on notes to authenticated;

-- ROLLBACK
drop table notes;
`,
};
