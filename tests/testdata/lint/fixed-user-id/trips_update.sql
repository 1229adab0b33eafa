update public.notes set user_id = '5b0c1f4e-7f0a-4c9a-9d52-6a3f3a3a0c11' where user_id is null;
