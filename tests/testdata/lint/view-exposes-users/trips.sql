create view public.people with (security_invoker = on) as select id, email from auth.users;
