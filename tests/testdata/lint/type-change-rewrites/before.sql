create table public.words (id bigint primary key, word varchar(20), price numeric(5, 2), note text, at timestamptz(3), words varchar(5)[], name varchar(20) collate "C");
