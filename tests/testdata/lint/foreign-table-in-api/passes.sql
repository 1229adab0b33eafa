create foreign table app.orders (id bigint) server shop;
import foreign schema shop from server shop into app;
