create extension pgcrypto with schema extensions;
