/** Makes a certificate for an address of this machine, that nobody else has a reason to trust. */

import { generateKeyPairSync, sign } from "node:crypto";

/** A certificate and its key, in PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Makes a self-signed certificate for an IPv4 address, good for any time. */
export function makeCertificate(address: string): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = sequence(set(sequence(oid("550403"), utf8("test"))));
  const algorithm = sequence(oid("2a8648ce3d040302")); // ecdsa-with-SHA256
  const ip = node(0x87, Uint8Array.from(address.split("."), Number));
  const alternativeName = sequence(oid("551d11"), node(0x04, sequence(ip)));
  const body = sequence(
    node(0xa0, node(0x02, [2])), // version 3
    node(0x02, [1]), // serial number
    algorithm,
    name,
    sequence(time("000101000000Z"), time("491231235959Z")),
    name,
    new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
    node(0xa3, sequence(alternativeName)),
  );
  const signature = new Uint8Array(sign("sha256", body, privateKey));
  const der = sequence(body, algorithm, node(0x03, [0], signature));
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${der.toBase64()}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

/** A value of ASN.1 in DER. */
function node(tag: number, ...parts: readonly ArrayLike<number>[]): Uint8Array {
  const content = parts.flatMap((part) => Array.from(part));
  const size = content.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255];
  return Uint8Array.from([tag, ...length, ...content]);
}

const sequence = (...parts: readonly Uint8Array[]) => node(0x30, ...parts);
const set = (...parts: readonly Uint8Array[]) => node(0x31, ...parts);
const oid = (hex: string) => node(0x06, Uint8Array.fromHex(hex));
const utf8 = (text: string) => node(0x0c, new TextEncoder().encode(text));
const time = (text: string) => node(0x17, new TextEncoder().encode(text));
