create user mapping for postgres server there;
create user mapping for postgres server there;
