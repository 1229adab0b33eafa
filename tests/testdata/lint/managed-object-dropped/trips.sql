drop table if exists auth.sessions;
