set statement_timeout = '5min';
set transaction_timeout = 0;
