alter table public.words alter column word type text collate "C";
