create trigger t before insert on public.notes for each row execute function app.f();
create trigger t before insert on public.notes for each row execute function app.f();
