-- The language, so that functions in it can be made. Calling one says that it cannot be.

-- The input function of the type: it refuses whatever it is given, and reads none of it.
create function plv8_call_handler() returns language_handler
language internal
as 'language_handler_in';

create trusted language plv8 handler plv8_call_handler;
