create type public.mood as enum ('calm');
alter type public.mood add value 'calm';
