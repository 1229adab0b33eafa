create type public.mood as enum ('calm');
