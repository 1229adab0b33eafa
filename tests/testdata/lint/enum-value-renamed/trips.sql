alter type public.mood rename value 'calm' to 'quiet';
