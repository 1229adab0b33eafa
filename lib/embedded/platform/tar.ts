/** Reads archives of the kind that PGlite's packages are. @module */

/** A file of an extension, below the folder in which PostgreSQL is installed. */
export interface ExtensionFile {
  /** Such as `share/postgresql/extension/citext.control`. */
  readonly path: string;
  readonly data: Uint8Array;
}

const BLOCK = 512;

/**
 * Reads a tar archive. Short names and plain files are all that is expected of it.
 *
 * @param archive The archive, not compressed.
 * @returns The files, without folders and links.
 */
export function readTar(archive: Uint8Array): ExtensionFile[] {
  const decoder = new TextDecoder();
  const files: ExtensionFile[] = [];
  for (let at = 0; at + BLOCK <= archive.length && archive[at] !== 0;) {
    const field = (from: number, to: number) =>
      decoder.decode(archive.subarray(at + from, at + to)).replace(/\0.*$/s, "");
    const size = Number.parseInt(field(124, 136), 8);
    const type = field(156, 157);
    const start = at + BLOCK;
    if (type === "" || type === "0") {
      const prefix = field(345, 500);
      const name = field(0, 100);
      files.push({
        path: prefix === "" ? name : `${prefix}/${name}`,
        data: archive.subarray(start, start + size),
      });
    }
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}
