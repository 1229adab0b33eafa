select cron.schedule('0 3 * * *', 'delete from app.cache');
