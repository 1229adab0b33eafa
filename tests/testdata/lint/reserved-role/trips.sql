drop role anon;
