import { formatTime, type Micros } from '../core/time.ts';

/** Where a command's words go: facts to standard output, everything else to standard error. */
export interface Output {
  readonly json: boolean;
  /** Whether people watch: progress bars instead of lines. */
  readonly interactive: boolean;
  /** The command's result: one JSON document with --json, otherwise the lines. */
  facts(data: unknown, lines: () => readonly string[]): void;
  /** What happens meanwhile; silent with --json. */
  say(line: string): void;
  error(line: string): void;
}

export interface Streams {
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

export function createOutput({ stdout, stderr }: Streams, json: boolean): Output {
  return {
    json,
    interactive: !json && stderr.isTTY === true,
    facts(data, lines) {
      stdout.write(
        json
          ? `${toJson(data)}\n`
          : lines()
              .map((line) => `${line}\n`)
              .join(''),
      );
    },
    say(line) {
      if (!json) stderr.write(`${line}\n`);
    },
    error(line) {
      stderr.write(`${line}\n`);
    },
  };
}

/** bigint as an exact number, bytes as base64. */
function toJson(data: unknown): string {
  return JSON.stringify(
    data,
    (_key, value: unknown) => {
      if (typeof value === 'bigint')
        return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
      if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
      return value;
    },
    2,
  );
}

/** Rows as aligned columns, the first row being the head. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

export function timeText(time: Micros | null): string {
  return time === null ? '-' : formatTime(time);
}

export function countText(count: number): string {
  return count.toLocaleString('en-US');
}

export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}
