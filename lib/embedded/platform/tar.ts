/** Reads archives of the kind that PGlite writes, and that its packages are. @module */

/** A file in an archive; a folder has a slash at the end of its path, and no data. */
export interface ArchivedFile {
  /** Such as `share/postgresql/extension/citext.control`. */
  readonly path: string;
  readonly data: Uint8Array;
}

const BLOCK = 512;
const FOLDER = "5";

/**
 * Reads a tar archive. Short names, plain files and folders are all that is expected of it.
 *
 * @param archive The archive, not compressed.
 * @returns The files and folders.
 */
export function readTar(archive: Uint8Array): ArchivedFile[] {
  const decoder = new TextDecoder();
  const files: ArchivedFile[] = [];
  for (let at = 0; at + BLOCK <= archive.length && archive[at] !== 0;) {
    const field = (from: number, to: number) =>
      decoder.decode(archive.subarray(at + from, at + to)).replace(/\0.*$/s, "");
    const size = Number.parseInt(field(124, 136), 8);
    const prefix = field(345, 500);
    const path = prefix === "" ? field(0, 100) : `${prefix}/${field(0, 100)}`;
    const start = at + BLOCK;
    if (field(156, 157) === FOLDER) {
      files.push({ path: path.replace(/\/*$/, "/"), data: new Uint8Array() });
    } else {
      files.push({ path, data: archive.subarray(start, start + size) });
    }
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}
