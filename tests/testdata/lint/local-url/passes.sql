select net.http_post(url := 'https://example.com/localhost');
