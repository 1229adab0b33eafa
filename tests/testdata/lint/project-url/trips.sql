select net.http_post(url := 'https://abcdefghijklmnopqrst.supabase.co/functions/v1/hook');
