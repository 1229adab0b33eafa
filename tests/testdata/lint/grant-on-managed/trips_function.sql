grant execute on function vault.create_secret(text) to authenticated;
