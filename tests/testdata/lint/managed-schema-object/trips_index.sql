create index on auth.users (email);
