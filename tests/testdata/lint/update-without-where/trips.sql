update public.notes set body = '';
