create table auth.extras (id uuid primary key);
