create view public.people with (security_invoker = on) as select id, name from public.profiles;
create view app.people as select id, email from auth.users;
