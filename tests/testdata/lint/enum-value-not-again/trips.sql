alter type public.mood add value 'wild';
