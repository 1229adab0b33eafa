create sequence public.numbers;
create sequence public.numbers;
