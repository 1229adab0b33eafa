create function public.f(a int) returns void language sql security definer set search_path = ''
  as $$ select 1 $$;
revoke execute on function public.f(integer) from public, anon;
revoke execute on function public.unknown(int) from public;

create type public.mood as enum ('calm');
create function public.g(a public.mood, b character varying(20), c int[][], d public.notes.id%type, out e int)
  language sql security definer set search_path = '' as $$ select 1 $$;
revoke execute on function public.g(mood, varchar, _int4, bigint) from public, anon;
alter type public.mood rename to feeling;
revoke execute on function public.g(public.feeling, varchar, int[], bigint) from public, anon;
