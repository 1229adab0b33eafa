create index on app.docs using ivfflat (embedding vector_cosine_ops);
