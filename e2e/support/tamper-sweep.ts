import Database from 'better-sqlite3';

/** One change of one value, row or pair of rows. */
export interface Change {
  /** `table.column`, or the table where a whole row is concerned. */
  readonly place: string;
  readonly name: string;
  readonly apply: (db: Database.Database) => void;
}

type Value = number | string | Buffer;
type Row = Readonly<Record<string, Value>>;

/** Tables of a log and their columns, as its own schema tells. */
export function columnsOf(db: Database.Database): ReadonlyMap<string, readonly string[]> {
  const tables = db
    .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`)
    .pluck()
    .all();
  return new Map(
    (tables as string[]).map((table) => [
      table,
      (db.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name),
    ]),
  );
}

/**
 * Every kind of change of every column and row, on the first, a middle and the last row of a table, made up from nothing
 * but its schema: a column that is added later is tampered with as well.
 */
export function* changesOf(db: Database.Database): Generator<Change, undefined> {
  for (const [table, columns] of columnsOf(db)) {
    const rows = db.prepare(`SELECT * FROM ${table}`).all() as Row[];
    const picked = [...new Set([0, Math.floor(rows.length / 2), rows.length - 1])].map((i) => rows[i]!);
    for (const [i, row] of picked.entries()) {
      const where = columns.map((column) => `${column} = @${column}`).join(' AND ');
      const other = picked[(i + 1) % picked.length]!;
      const name = (what: string): string => `${what}, row ${rows.indexOf(row)}`;
      for (const column of columns) {
        const place = `${table}.${column}`;
        for (const [what, value] of replacements(row[column]!, other[column]!))
          yield {
            place,
            name: name(what),
            apply: (db) => {
              db.prepare(`UPDATE ${table} SET ${column} = @value_ WHERE ${where}`).run({
                ...row,
                value_: value,
              });
            },
          };
        if (row !== other && String(row[column]) !== String(other[column]))
          yield {
            place,
            name: name('exchanged with another row'),
            apply: (db) => exchange(db, table, columns, column, row, other),
          };
      }
      yield {
        place: table,
        name: name('deleted'),
        apply: (db) => {
          db.prepare(`DELETE FROM ${table} WHERE ${where}`).run(row);
        },
      };
      for (const column of columns)
        for (const [what, value] of replacements(row[column]!, other[column]!))
          yield {
            place: table,
            name: name(`inserted again with ${column} ${what}`),
            apply: (db) => insert(db, table, columns, { ...row, [column]: value }),
          };
    }
  }
  return undefined;
}

/** Applies a change to a log; false when the schema itself does not admit it. */
export function applies(db: Database.Database, { apply }: Change): boolean {
  try {
    db.transaction(() => apply(db))();
    return true;
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_CONSTRAINT')) return false;
    throw error;
  }
}

/** Other values of a type, by what was done. */
function replacements(value: Value, other: Value): [what: string, value: Value][] {
  if (typeof value === 'number')
    return [
      ['one more', value + 1],
      ['one less', value - 1],
      ['far away', value + 1_000_000],
      ['negative', -7],
    ];
  if (typeof value === 'string') {
    const middle = Math.floor(value.length / 2);
    const letter = value[middle] === 'A' ? 'B' : 'A';
    return [
      ['with another letter', value.slice(0, middle) + letter + value.slice(middle + 1)],
      ['longer', `${value}x`],
      ['cut in half', value.slice(0, middle)],
      ['empty', ''],
      ...(other === value ? [] : [['of another row', other] satisfies [string, Value]]),
    ];
  }
  const flipped = Buffer.from(value);
  flipped[Math.floor(flipped.length / 2)]! ^= 0x10;
  return [
    ['with a bit flipped', flipped],
    ['with a byte more', Buffer.concat([value, Buffer.of(0)])],
    ['with a byte less', value.subarray(0, -1)],
    ['empty', Buffer.alloc(0)],
    ...(value.equals(other as Buffer) ? [] : [['of another row', other] satisfies [string, Value]]),
  ];
}

function exchange(
  db: Database.Database,
  table: string,
  columns: readonly string[],
  column: string,
  a: Row,
  b: Row,
): void {
  const where = columns.map((name) => `${name} = @${name}`).join(' AND ');
  for (const row of [a, b]) db.prepare(`DELETE FROM ${table} WHERE ${where}`).run(row);
  insert(db, table, columns, { ...a, [column]: b[column]! });
  insert(db, table, columns, { ...b, [column]: a[column]! });
}

function insert(db: Database.Database, table: string, columns: readonly string[], row: Row): void {
  db.prepare(`INSERT INTO ${table} VALUES (${columns.map((name) => `@${name}`).join(', ')})`).run(row);
}
