create table app.cache (id bigint primary key);
