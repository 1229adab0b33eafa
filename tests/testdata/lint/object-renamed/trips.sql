alter function public.f() rename to g;
