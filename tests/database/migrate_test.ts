import assert from "node:assert/strict";
import { testOnEveryDatabase } from "../support/projects.ts";

testOnEveryDatabase("migrate() applies migrations in order", async (project) => {
  const result = await project.migrator({
    "10_b.sql": "create table b (id int references a (id));",
    "9_a.sql": "create table a (id int primary key);",
  }).migrate();
  assert.deepEqual(result.results.map(({ name }) => name), ["9_a.sql", "10_b.sql"]);
});
testOnEveryDatabase("migrate() applies migrations in order 2", async (project) => {
  const result = await project.migrator({
    "10_b.sql": "create table b (id int references a (id));",
    "9_a.sql": "create table a (id int primary key);",
  }).migrate();
  assert.deepEqual(result.results.map(({ name }) => name), ["9_a.sql", "10_b.sql"]);
});
