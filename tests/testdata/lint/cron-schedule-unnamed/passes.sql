select cron.schedule('clear', '0 3 * * *', 'delete from app.cache');
