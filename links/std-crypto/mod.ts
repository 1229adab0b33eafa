/**
 * Stands in for `jsr:@std/crypto` on machines that reach npm but not JSR; deno.json's
 * `links` puts it in that package's place.
 *
 * Covered: `crypto.subtle.digestSync` with the algorithms of the SHA-2 family that Web Crypto
 * has, on bytes. Not covered, and so not there: the other algorithms, `digest` and digests of
 * streams, the rest of Web Crypto, and the other modules of the package.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** Names of digest algorithms. */
export type DigestAlgorithmName = "SHA-256" | "SHA-384" | "SHA-512";

/** Cryptographic digests. */
export const crypto: {
  readonly subtle: {
    /** Computes the digest of the bytes. */
    digestSync(algorithm: DigestAlgorithmName, data: Uint8Array): ArrayBuffer;
  };
} = {
  subtle: {
    digestSync(algorithm, data) {
      const digest = createHash(algorithm.replace("-", "")).update(data).digest();
      return new Uint8Array(digest).buffer;
    },
  },
};
