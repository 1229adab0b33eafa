create role worker;
create role worker;
