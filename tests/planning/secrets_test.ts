import assert from "node:assert/strict";
import { findSecrets } from "../../lib/planning/secrets.ts";
import { keysOfServices, privateKey, secretKey, tokenOf } from "../support/secrets.ts";

/** What is found, as `line kind`, each once. */
function kindsIn(sql: string, line?: number): string[] {
  return [...new Set(findSecrets(sql, line).map((found) => `${found.line} ${found.kind}`))];
}

/** Ways in which a key stands in a migration, on the second line. */
const places: Readonly<Record<string, (key: string) => string>> = {
  "a string": (key) => `\ninsert into settings values ('${key}');`,
  "a string in a body": (key) =>
    `do $$\nbegin perform net.http_post(headers := '{"apikey": "${key}"}'); end $$;`,
  "a string in a string": (key) =>
    `select cron.schedule('a', '0 * * * *',\n'select f(''${key}'')');`,
  "an E string": (key) => `\nselect E'\\n${key}\\n';`,
  "a body's comment": (key) => `do $$\n-- ${key}\nbegin end $$;`,
  "a line comment": (key) => `select 1;\n-- it's ${key}.`,
  "a comment block": (key) => `/* it's\n${key}\n*/`,
  "a quoted name": (key) => `select 1 as\n"${key}";`,
  "a setting": (key) => `alter database postgres\nset "app.settings.key" to '${key}';`,
  "a URL": (key) => `select\n'https://example.com/?apikey=${key}&a=b';`,
  "a header": (key) => `select\n'Authorization: Bearer ${key}';`,
};

for (const [place, write] of Object.entries(places)) {
  Deno.test(`findSecrets() finds keys in ${place}, with their line`, async () => {
    const keys: [string, string, boolean][] = [
      ...Object.entries(keysOfServices).map(([kind, key]): [string, string, boolean] => [
        kind,
        key,
        kind !== "an AWS access key",
      ]),
      ["a service_role key (JWT)", await tokenOf("service_role"), true],
      ["a JWT of the role authenticated", await tokenOf("authenticated"), false],
      ["a JWT", await tokenOf(undefined), false],
      ["a private key (PEM)", privateKey, true],
    ];
    for (const [kind, key, certain] of keys) {
      const sql = write(key);
      const [found, ...others] = findSecrets(sql);
      assert.deepEqual([found?.kind, found?.line, found?.certain], [kind, 2, certain], sql);
      assert.deepEqual(others, [], sql);
      for (const line of kind === "a private key (PEM)" ? key.split("\n").slice(1, -1) : [key]) {
        assert(found!.values.includes(line), `${kind} is to be hidden: ${found!.values}`);
      }
    }
  });
}

Deno.test("findSecrets() finds a private key of which the line ends are written out", () => {
  const written = privateKey.replaceAll("\n", "\\n");
  for (const sql of [`select E'${written}'`, `select '{"private_key": "${written}"}'`]) {
    assert.deepEqual(kindsIn(sql), ["1 a private key (PEM)"]);
    assert.deepEqual(findSecrets(sql)[0]?.values, privateKey.split("\n").slice(1, -1));
  }
  for (const type of ["RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", ""]) {
    const sql = `-- ${
      privateKey.replaceAll(" PRIVATE", ` ${type}PRIVATE`).replaceAll("\n", "\n-- ")
    }`;
    assert.deepEqual(kindsIn(sql), ["1 a private key (PEM)"], sql);
  }
});

const passwords: Readonly<Record<string, string>> = {
  "CREATE ROLE": "create role app login password 'hunter2-hunter2';",
  "CREATE ROLE over lines":
    "create role app with\n  login\n  encrypted password\n'hunter2-hunter2'",
  "ALTER USER in capitals": "ALTER USER app PASSWORD 'hunter2-hunter2' VALID UNTIL 'infinity';",
  "CREATE GROUP": "create group app password 'hunter2-hunter2';",
  "an E string": "alter role app password E'hunter2-hunter2';",
  "a dollar-quoted string": "alter role app password $a$hunter2-hunter2$a$;",
  "a comment before it": "alter role app /* it's */ password -- here\n'hunter2-hunter2';",
  "a body": "do $$ begin if true then create role app password 'hunter2-hunter2'; end if; end $$;",
  "EXECUTE": "do $$ begin execute 'alter role app password ''hunter2-hunter2'''; end $$;",
  "EXECUTE of parts":
    "do $$ begin execute 'alter role ' || r || ' password ''hunter2-hunter2'''; end $$;",
  "a body in a body":
    "do $a$ begin execute $b$alter role x password 'hunter2-hunter2'$b$; end $a$;",
  "a job": "select cron.schedule('a', '@daily', 'alter role x password ''hunter2-hunter2''');",
  "a line comment": "-- it's gone: alter role app password 'hunter2-hunter2';",
  "a commented statement":
    "  -- create role app -- the users' one\n  --   password 'hunter2-hunter2';\nselect 1;",
  "a comment block": "/* don't!\ncreate role app password 'hunter2-hunter2'; */",
  "a part that is commented out": "create role app\n-- password 'hunter2-hunter2'\n;",
  "a user mapping":
    "create user mapping for app server s options (user 'a', password 'hunter2-hunter2');",
  "a changed user mapping":
    "alter user mapping for a server s options (set password 'hunter2-hunter2')",
  "a server": "create server s foreign data wrapper w options (api_key 'hunter2-hunter2');",
  "a quoted option":
    "create server s foreign data wrapper w options (\"password\" 'hunter2-hunter2');",
  "an md5 hash": "alter role app password 'md5hunter2-hunter200000000000000000';",
  "the vault": "select vault.create_secret('hunter2-hunter2', 'name');",
  "a connection's URL":
    "select dblink('postgresql://app:hunter2-hunter2@db.example.com:5432/app');",
  "a queue's URL": "-- redis://:hunter2-hunter2@cache.example.com",
  "a connection string": "select dblink('host=db.example.com user=a password=hunter2-hunter2');",
  "a quoted connection string":
    "do $$ begin perform dblink('dbname=a password=''hunter2-hunter2'''); end $$;",
  "a string that is never closed": "alter role app password 'hunter2-hunter2\n;",
};
for (const [what, sql] of Object.entries(passwords)) {
  Deno.test(`findSecrets() finds the password of ${what}`, () => {
    const found = findSecrets(sql);
    assert(found.length > 0);
    for (const { kind, certain } of found) {
      assert.match(
        kind,
        /^(a password|an API key|a connection string with a password|a secret for the vault)$/,
      );
      assert.equal(certain, false);
    }
    const hidden = found.flatMap(({ values }) => values)
      .reduce((text, value) => text.replaceAll(value, ""), sql);
    assert(!hidden.includes("hunter2-hunter2"), hidden);
  });
}

const harmless: Readonly<Record<string, string>> = {
  "a column": "create table users (password text default 'none', \"password\" text);",
  "a column that is set": "update users set password = 'x' where host = 'y';",
  "a comparison": "select * from users where password = crypt('x', password);",
  "words in a string": "insert into help values ('Enter the password ''here'', or none');",
  "words in a comment": "-- The password 'x' is set elsewhere. It's a role's.",
  "words in a name": "select 1 as \"password 'x'\";",
  "no password": "alter role app password null; create role b password '';",
  "a placeholder":
    "-- alter role a password '<password>'; alter role a password '…'; alter role a password '***';\n" +
    "-- postgres://app:[YOUR-PASSWORD]@db.example.com/app postgres://a:$1@b postgres://a:${PW}@b",
  "a format": "do $$ begin execute format('alter role %I password %L', a, b); end $$;",
  "a password that is put in":
    "do $$ begin execute 'alter role a password ''' || p || ''''; end $$;",
  "a psql variable": "alter role a password :'password';",
  "a SCRAM verifier": "alter role a password 'SCRAM-SHA-256$4096:c2FsdA==$a2V5:a2V5';",
  "another statement": "create role app; select password 'hunter2' from a;",
  "a role's comment": "comment on role app is 'password ''x''';",
  "a policy": "create policy p on users to app using (password 'x' is null);",
  "a connection without a password":
    "select dblink('host=a user=b'), 'postgres://app@db.example.com/app', 'https://a.example:443/@b';",
  "a format of a connection":
    "select format('host=%s password=%s', a, b), 'host=a password=' || c;",
  "an address in the vault": "select vault.create_secret('https://a.supabase.co', 'project_url');",
  "reading the vault": "select decrypted_secret from vault.decrypted_secrets where name = 'x';",
  "the vault with a value": "select vault.create_secret(value, 'name') from incoming;",
  "a name that begins as a key": "create table sb_secret_rotations (sk_live_at date, sbp_id int);",
  "an example of a key":
    "-- sb_secret_xxxxxxxxxxxx, sb_secret_..., AKIAIOSFODNN7EXAMPLE, eyJhbGciOi...",
  "another kind of key":
    `-- sb_publishable_${"Zq3vN8wKx1LmT6yBp0RdHs"} and sk_test_${"4eC39HqLyjWDarjtT1zdp7dc"}`,
  "a public key": privateKey.replaceAll("PRIVATE", "PUBLIC"),
  "a certificate": privateKey.replaceAll("PRIVATE KEY", "CERTIFICATE"),
  "the mark of a key":
    `select a like '%-----BEGIN ${"PRIVATE"} KEY-----%', '-----END ${"PRIVATE"} KEY-----'`,
  "three parts":
    "select 'eyJhbGciOiJIUzI1NiJ9', 'eyJub3RoaW5nIjp0cnVl.eyJub3RoaW5nIjp0cnVl.abcdefghijklmnop';",
};
for (const [what, sql] of Object.entries(harmless)) {
  Deno.test(`findSecrets() has nothing to say about ${what}`, () => {
    assert.deepEqual(kindsIn(sql), []);
  });
}

Deno.test("findSecrets() knows keys that are public: anon's, and those of every local stack", async () => {
  const tokens = [await tokenOf("anon"), await tokenOf("service_role", { iss: "supabase-demo" })];
  for (const token of tokens) assert.deepEqual(kindsIn(`select '${token}'`), []);
});

Deno.test("findSecrets() never says a value, whatever a token says of its role", async () => {
  const token = await tokenOf("x', 'y\u001b[31m");
  assert.deepEqual(kindsIn(`select '${token}'`), ["1 a JWT"]);
});

Deno.test("findSecrets() counts lines from where the text starts, inside of bodies too", () => {
  const sql = `do $$
begin
  -- ${secretKey}
  execute '
    alter role a
    password ''hunter2''';
  create role b password 'hunter2';
end $$;
alter role c password 'hunter2';`;
  assert.deepEqual(kindsIn(sql, 11), [
    "13 a secret key (sb_secret_…)",
    "16 a password",
    "17 a password",
    "19 a password",
  ]);
});

Deno.test("findSecrets() hides a short password only where it is quoted", () => {
  assert.deepEqual(findSecrets("alter role a password 'app';")[0]?.values, ["'app'"]);
});

Deno.test("findSecrets() takes time in proportion to the length of a text", () => {
  const things = [
    "-- it's a password\n",
    "insert into password values (1, 'it''s', E'\\'', $$b$$);\n",
    "/* password */",
    "password",
    "create role a password ",
    "alter role a password 'a';\n",
    "host=password=",
    "password='",
    "$a ",
    "$$",
    "'",
    '"',
    "/*",
    "\\",
    " ",
    "eyJ",
    "eyJ-",
    "eyJabcdefgh.",
    "://a:",
    ":a",
    `-----BEGIN ${"PRIVATE"} KEY-----`,
    "sb_secret_",
    "sk_live_",
    "a",
    "0",
  ];
  const texts = things.map((thing): (length: number) => string => (length) =>
    `password host= ${thing.repeat(length / thing.length)}`
  );
  texts.push((length) =>
    // bodies in bodies in bodies
    Array.from({ length: length / 18 }, (_, index) => `$a${index}$ password `).join("")
  );
  for (const text of texts) {
    const sql = text(1_000_000);
    const started = performance.now();
    findSecrets(sql);
    // About 0.2 s. What grows with the square of the length takes minutes.
    assert(performance.now() - started < 10_000, text(50));
  }
});
