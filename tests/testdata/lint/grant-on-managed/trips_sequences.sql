grant select on all sequences in schema auth to anon;
