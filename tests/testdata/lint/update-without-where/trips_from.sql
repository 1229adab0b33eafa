update public.notes set body = people.name from public.people;
