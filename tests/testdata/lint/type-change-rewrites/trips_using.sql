alter table public.words alter column word type text using trim(word);
