set transaction_timeout = '500ms';
