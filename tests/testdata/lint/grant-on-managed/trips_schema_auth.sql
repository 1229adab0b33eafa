grant all on schema auth to authenticated;
