create unlogged table app.cache (id bigint primary key);
