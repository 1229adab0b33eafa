-- one
-- two
select 'café';
