refresh materialized view app.totals;
