/** What `--help` says of the whole. @module */

/** What the tool is, its exit codes, and its settings. */
export const DESCRIPTION = `
Schema migrations for Supabase over HTTPS alone, with rollback.

Without SUPABASE_URL the commands work on an embedded database in .supamigrate/db.

Exit codes:
  0    done
  1    a migration, a rollback or a check failed, --check found work, or doctor found something
  2    wrong usage or configuration, no --backup, or --before failed; nothing was changed
  3    another run holds the lock, or took it
  4    the server cannot be reached, or the outcome is unknown
  130  interrupted

Settings, from the environment, then .env.local, then .env, never from the command line:
  SUPABASE_URL               https://….supabase.co; also as NEXT_PUBLIC_SUPABASE_URL,
                             VITE_SUPABASE_URL and the like
  SUPABASE_SERVICE_KEY       the service role's key, or a secret key; also as
                             SUPABASE_SERVICE_ROLE_KEY, SUPABASE_SECRET_KEY or
                             SUPABASE_SECRET_KEYS
  MIGRATION_LOCK_TIMEOUT     lease of the lock in milliseconds (300000)
  MIGRATION_TABLE_LOCK_TIMEOUT, MIGRATION_LOCK_RETRIES, MIGRATION_STATEMENT_TIMEOUT
                             as --lock-timeout, --lock-retries and --statement-timeout
  MIGRATION_BATCH_SIZE       migrations in a batch (50)
  MIGRATION_REQUEST_TIMEOUT  milliseconds until a request counts as lost (130000)
  MIGRATION_GIVE_UP_AFTER    milliseconds to go on asking a silent server (60000)
  MIGRATION_API_READY        how long to wait for the API to serve the new schema (10s); 0 is not
  MIGRATION_VIA              api, direct or management, as --via
  MIGRATION_ORDER            number or name, as --order
  MIGRATION_LEDGER           supabase or none, as --ledger
  MIGRATION_ALLOW_HTTP       true, as --allow-http
  MIGRATION_SAFETY_COPY      auto, always or never, as --safety-copy
  MIGRATION_SAFETY_COPY_MAX  what auto keeps without asking (1GB)
  MIGRATION_BEFORE, _AFTER   commands, as --before and --after
  MIGRATION_CHECK            a URL or a query, as --check
  MIGRATION_LOG              a file, or stderr: gets a line of JSON for each run
  MIGRATION_SHADOW           as --shadow, where it may have a password
  DATABASE_URL               for --via direct, --backup, and for install, uninstall and doctor
  SUPABASE_ACCESS_TOKEN      for --via management, and for the same`;
