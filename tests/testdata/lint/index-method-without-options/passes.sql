create index on app.docs using ivfflat (embedding vector_cosine_ops) with (lists = 200);
create index on app.docs using hnsw (embedding vector_cosine_ops);
