with gone as (delete from auth.users where email = 'a@example.com' returning id) select id from gone;
