import assert from "node:assert/strict";
import { INSTALL_SQL } from "../lib/database/bootstrap.ts";

// What is installed has to run where the API's connections load safeupdate, as hosted projects' do: it
// refuses UPDATE and DELETE without WHERE, in functions too. No server here has it.

/** Writing statements that have no WHERE before they end: at a semicolon, a bracket, a quote or RETURNING. */
function findUnrestricted(sql: string): string[] {
  const text = sql.replace(/--[^\n]*/g, "");
  const begins = /\b(?:delete\s+from|update)\s+(?:only\s+)?[\w.%"]+/gi;
  return [...text.matchAll(begins)].flatMap(({ 0: head, index }) => {
    const isUpdate = /^update/i.test(head);
    let depth = 0;
    let statement = head;
    for (let end = index + head.length; end < text.length; end++) {
      const character = text[end]!;
      if (character === "(") depth++;
      if (character === ")" && depth-- === 0) break;
      if (depth === 0) {
        if (character === ";" || /^returning\b/i.test(text.slice(end, end + 10))) break;
        statement += character.replace(/\s/, " ");
      }
    }
    statement = statement.replace(/ +/g, " ").trimEnd();
    // ON CONFLICT DO UPDATE SET, FOR UPDATE OF and the events of triggers are none.
    const writes = !isUpdate || /^update (only )?[\w.%"]+( as)?( \w+)? set /i.test(statement);
    return writes && !/\bupdate set\b/i.test(statement) && !/\bwhere\b/i.test(statement)
      ? [statement]
      : [];
  });
}

Deno.test("every UPDATE and DELETE that is installed has a WHERE", () => {
  assert.deepEqual(findUnrestricted(INSTALL_SQL), []);
  assert.deepEqual(
    findUnrestricted(`
      delete from supamigrate.staged_part;
      update supamigrate.safety_copy copy set is_open = (select true where true);
      with gone as (delete from seeds returning path) select 1 from gone where true;
      insert into a values (1) on conflict (b) do update set c = 1;
      execute format('delete from only %s', name);
      update a set b = 1 where b = 2; delete from a -- where
      where b = 1;`),
    [
      "delete from supamigrate.staged_part",
      "update supamigrate.safety_copy copy set is_open = )",
      "delete from seeds",
      "delete from only %s', name",
    ],
  );
});
