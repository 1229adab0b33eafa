create table app.accounts (id bigint primary key, password text);
create table public.accounts (id bigint primary key, password_changed_at timestamptz);
