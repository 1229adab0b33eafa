select net.http_post(url := 'http://host.docker.internal:54321/functions/v1/hook');
