/** Versions of Storage differ in the columns of its buckets. */

import assert from "node:assert/strict";
import { type Extra, readCatalogue } from "../../lib/schema/catalogue.ts";
import bucketsSql from "../../sql/schema_buckets.sql" with { type: "text" };
import { ownProject, type ServerProject, testOnOneServer } from "../support/projects.ts";

/** Runs a statement as the catalogue is read. */
const withPath = async ({ sql }: ServerProject, text: string) => {
  await sql("set search_path = pg_catalog");
  return await sql(text);
};

const readBuckets = async (project: ServerProject) =>
  await withPath(project, `${bucketsSql} order by 3`) as unknown as Extra[];

/** As versions of Storage had them, newest first. */
const VERSIONS: Readonly<Record<string, string>> = {
  "as it is": "select 1",
  "a later one": "alter table storage.buckets add column versioning text not null default 'off'",
  "before there were kinds": `alter table storage.buckets drop column versioning, drop column type,
    drop column owner_id`,
  "before there were limits": `alter table storage.buckets drop column avif_autodetection,
    drop column file_size_limit, drop column allowed_mime_types`,
};

testOnOneServer(
  "buckets are read, and made, whatever columns Storage gives them",
  async (project) => {
    await project.sql(`
    insert into storage.buckets (id, name) values ('plain', 'plain');
    insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types)
    values ('It''s', 'pictures', true, 1000, '{image/png,"image/a, b"}')`);
    for (const [version, sql] of Object.entries(VERSIONS)) {
      await project.sql(sql);
      const buckets = await readBuckets(project);
      const [own, plain] = buckets.sort((one, other) => one.name < other.name ? -1 : 1);
      assert.deepEqual([own?.name, plain?.name], ['"It\'s"', "plain"], version);
      assert.equal(plain?.definition, 'id "plain" name "plain"', version);
      assert.equal(
        own?.definition,
        `id "It's" name "pictures" public true` +
          (version.endsWith("limits")
            ? ""
            : ` file_size_limit 1000 allowed_mime_types ["image/png", "image/a, b"]`),
        version,
      );
      // What it is made with makes it, where it is not as it was and where it is not at all.
      for (const way of ["update storage.buckets set public = null", own!.drop]) {
        await project.sql(`begin; ${way}; ${own!.create} ${plain!.create} commit`);
        const definitions = (await readBuckets(project)).map(({ definition }) => definition);
        assert.deepEqual(definitions, [own!.definition, plain!.definition], version);
      }
    }
    const { extras } = await readCatalogue((text) => withPath(project, text));
    assert.deepEqual([...extras.keys()].filter((key) => key.startsWith("bucket ")).sort(), [
      'bucket "It\'s"',
      "bucket plain",
    ]);
  },
  ownProject,
);
