-- https://abcdefghijklmnopqrst.supabase.co is ours
comment on table public.notes is 'see https://abcdefghijklmnopqrst.supabase.co';
select net.http_post(url := 'https://supabase.com/docs');
