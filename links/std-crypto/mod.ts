/**
 * Stands in for `jsr:@std/crypto` on machines that reach npm but not JSR; deno.json's
 * `links` puts it in that package's place.
 *
 * Covered: `crypto.subtle.digest` with the algorithms of the SHA-2 family that Web Crypto
 * has, on bytes. Not covered, and so not there: the other algorithms, digests of streams,
 * `digestSync`, the rest of Web Crypto, and the other modules of the package.
 *
 * @module
 */

/** Names of digest algorithms. */
export type DigestAlgorithmName = "SHA-256" | "SHA-384" | "SHA-512";

/** Cryptographic digests, by Web Crypto. */
export const crypto: {
  readonly subtle: {
    /** Computes the digest of the bytes. */
    digest(
      algorithm: DigestAlgorithmName,
      data: BufferSource,
    ): Promise<ArrayBuffer>;
  };
} = {
  subtle: {
    digest: (algorithm, data) => globalThis.crypto.subtle.digest(algorithm, data),
  },
};
