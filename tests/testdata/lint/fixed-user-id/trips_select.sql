insert into public.notes (body, user_id) select 'Hello', '5b0c1f4e-7f0a-4c9a-9d52-6a3f3a3a0c11';
