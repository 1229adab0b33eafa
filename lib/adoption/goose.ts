/** goose. @module */

import { byNumber, type FileFormat, inTransaction, matching, notConverted } from "./format.ts";
import { divide } from "./parts.ts";

const MARK = /^--\s*\+goose\s+(up|down)\b(.*)$/i;
const NO_TRANSACTION = /^--\s*\+goose\s+no\s+transaction\s*$/im;
const COMMIT = "-- supamigrate: commit";

/** The files of goose: `-- +goose Up`, `Down`, `StatementBegin`, `StatementEnd`, `NO TRANSACTION`. */
export const gooseFiles: FileFormat = {
  name: "goose",
  title: "goose",
  recognise: (files) =>
    matching(files, /^\d+_[^/]*\.sql$/).some((path) =>
      /^--\s*\+goose\s+up\b/im.test(files.get(path)!)
    ),
  read(files) {
    const migrations = matching(files, /^\d+_[^/]*\.sql$/).sort(byNumber).map((path) => {
      const text = files.get(path)!;
      const { up, down } = divide(text.replace(NO_TRANSACTION, ""), MARK);
      const isAlone = NO_TRANSACTION.test(text);
      const statements = splitAsGoose(up?.text ?? "");
      const asOurs = (part: string) => {
        const divided = splitAsGoose(part).map(withSemicolon);
        return divided.join(isAlone ? `\n${COMMIT}\n` : "");
      };
      return {
        from: [path],
        name: path.slice(0, -".sql".length),
        forward: asOurs(up?.text ?? ""),
        rollback: down === null ? null : asOurs(down.text),
        sends: isAlone ? statements : inTransaction(...statements),
        notes: [
          ...(isAlone ? ["NO TRANSACTION: each statement is a step of its own"] : []),
          ...(/^--\s*\+goose\s+envsub\s+on\b/im.test(text)
            ? ["ENVSUB ON: environment variables are not put in; write the values into the file"]
            : []),
        ],
      };
    });
    return {
      migrations,
      notConverted: notConverted(
        matching(files, /^\d+_[^/]*\.go$/),
        "is written in Go: write its SQL by hand, with its number",
      ),
    };
  },
};

/**
 * The statements as goose tells them apart: one ends with a line that ends in a semicolon, or at
 * `StatementEnd`. All of the text is in them but those marks, and what follows the last one.
 */
function splitAsGoose(part: string): string[] {
  const statements: string[] = [];
  let lines: string[] = [];
  let isOpen = false;
  const end = () => {
    if (lines.some((line) => !/^\s*(--.*)?$/.test(line))) {
      statements.push(lines.join("\n") + "\n");
      lines = [];
    }
  };
  for (const line of part.split("\n")) {
    const mark = /^\s*--\s*\+goose\s+(statementbegin|statementend)\s*$/i.exec(line)?.[1];
    if (mark !== undefined) {
      if (mark.toLowerCase() === "statementend") end();
      isOpen = mark.toLowerCase() === "statementbegin";
      continue;
    }
    lines.push(line);
    if (!isOpen && /;\s*(--.*)?$/.test(line) && !/^\s*--/.test(line)) end();
  }
  end();
  return statements;
}

/** goose needs none behind a statement between its marks. */
function withSemicolon(statement: string): string {
  const code = statement.replace(/(\s*--[^\n]*)+\s*$/, "").trimEnd();
  return code.endsWith(";") || statement.trimEnd().endsWith(";")
    ? statement
    : `${statement.trimEnd()}\n;\n`;
}
