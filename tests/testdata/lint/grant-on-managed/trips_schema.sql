grant usage on schema vault to authenticated;
