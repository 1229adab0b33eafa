alter type public.mood rename to mood_old;
create type public.mood as enum ('calm');
