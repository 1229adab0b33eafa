create event trigger t on ddl_command_end execute function app.f();
create event trigger t on ddl_command_end execute function app.f();
