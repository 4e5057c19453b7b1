import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { problemsError } from './core/errors.ts';
import { type DurationMicros, durationOf, parseDuration } from './core/time.ts';

/**
 * The environment, read once (by the entry point that was started). What is not given by address is brought up by
 * the embedded stack, which then fills it in.
 */
export interface Config {
  /** Where the embedded stack, its data and the default offline store live; `.tidemark` unless TIDEMARK_HOME. */
  readonly home: string;
  /** Where downloaded server binaries are kept, shared by all homes. */
  readonly cache: string;
  readonly databaseUrl: string | null;
  readonly redisUrl: string | null;
  readonly temporalAddress: string | null;
  readonly temporalNamespace: string;
  readonly temporalTls: boolean;
  readonly temporalApiKey: string | null;
  /** The feature repository, when a command names none. */
  readonly repo: string | null;
  /** A local folder (an `s3://` address comes later). */
  readonly offline: string;
  /** Where pushed rows are kept until they are files: always a folder on a local disk. */
  readonly pushLog: string;
  /** How far the event time of a pushed row may lie in the future. */
  readonly pushMaxFuture: DurationMicros;
  /** What a row that is served may take. */
  readonly rowMaxBytes: number;
  /** Features of rows that one request may read online. */
  readonly readMaxValues: number;
  readonly duckdbMemory: string;
  readonly duckdbThreads: number;
  readonly alertWebhookUrl: string | null;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  /** Who acts, for the registry's history and for decisions. */
  readonly user: string;
  readonly host: string;
  readonly port: number;
  /** A variable that a source is read with: credentials of S3, addresses of databases. Never shown. */
  readonly variable: (name: string) => string | undefined;
}

/** Inside this installation, never in the person's home folder. */
const CACHE = fileURLToPath(new URL('../node_modules/.cache/tidemark/bin', import.meta.url));

const url = (...protocols: string[]) =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    message: `expected an address that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  });

const Environment = z.object({
  TIDEMARK_HOME: z.string().min(1).default('.tidemark'),
  TIDEMARK_CACHE: z.string().min(1).optional(),
  DATABASE_URL: url('postgres:', 'postgresql:').optional(),
  REDIS_URL: url('redis:', 'rediss:').optional(),
  TEMPORAL_ADDRESS: z
    .string()
    .regex(/^[^\s/:]+:\d+$/, 'expected host:port')
    .optional(),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
  TEMPORAL_TLS: z.enum(['true', 'false']).default('false'),
  TEMPORAL_API_KEY: z.string().min(1).optional(),
  TIDEMARK_REPO: z.string().min(1).optional(),
  TIDEMARK_OFFLINE: z.string().min(1).optional(),
  TIDEMARK_PUSH_LOG: z.string().min(1).optional(),
  TIDEMARK_PUSH_MAX_FUTURE: z
    .string()
    .refine((text) => parseDuration(text) !== undefined, 'expected a duration such as 5m or 1h')
    .default('5m'),
  TIDEMARK_ROW_MAX_BYTES: z.coerce
    .number()
    .int()
    .min(1024)
    .default(1024 * 1024),
  TIDEMARK_READ_MAX_VALUES: z.coerce.number().int().min(1).default(2_000_000),
  TIDEMARK_DUCKDB_MEMORY: z
    .string()
    .regex(/^\d+(\.\d+)?\s?(MB|GB|MiB|GiB)$/i, 'expected a size such as 2GB')
    .default('2GB'),
  TIDEMARK_DUCKDB_THREADS: z.coerce.number().int().min(1).max(256).default(2),
  TIDEMARK_ALERT_WEBHOOK: url('http:', 'https:').optional(),
  TIDEMARK_LOG: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  TIDEMARK_USER: z.string().min(1).optional(),
  TIDEMARK_HOST: z.string().min(1).default('127.0.0.1'),
  // Not Feast's 6566: that is one of the ports that fetch refuses to ask, here and in browsers ("bad port").
  TIDEMARK_PORT: z.coerce.number().int().min(0).max(65_535).default(6567),
});

/** Throws CONFIG_INVALID naming every variable that is wrong; values are not repeated, they may be secret. */
export function readConfig(env: NodeJS.ProcessEnv, cwd: string = process.cwd()): Config {
  const set = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = Environment.safeParse(set);
  if (!parsed.success) {
    throw problemsError(
      'CONFIG_INVALID',
      'The environment cannot be used:',
      parsed.error.issues.map((issue) => ({ where: issue.path.join('.'), message: issue.message })),
    );
  }
  const vars = parsed.data;
  const home = resolve(cwd, vars.TIDEMARK_HOME);
  return {
    home,
    cache: vars.TIDEMARK_CACHE === undefined ? CACHE : resolve(cwd, vars.TIDEMARK_CACHE),
    databaseUrl: vars.DATABASE_URL ?? null,
    redisUrl: vars.REDIS_URL ?? null,
    temporalAddress: vars.TEMPORAL_ADDRESS ?? null,
    temporalNamespace: vars.TEMPORAL_NAMESPACE,
    temporalTls: vars.TEMPORAL_TLS === 'true',
    temporalApiKey: vars.TEMPORAL_API_KEY ?? null,
    repo: vars.TIDEMARK_REPO === undefined ? null : resolve(cwd, vars.TIDEMARK_REPO),
    offline: resolve(cwd, vars.TIDEMARK_OFFLINE ?? `${home}/offline`),
    pushLog: resolve(cwd, vars.TIDEMARK_PUSH_LOG ?? `${home}/push-log`),
    pushMaxFuture: durationOf(vars.TIDEMARK_PUSH_MAX_FUTURE),
    rowMaxBytes: vars.TIDEMARK_ROW_MAX_BYTES,
    readMaxValues: vars.TIDEMARK_READ_MAX_VALUES,
    duckdbMemory: vars.TIDEMARK_DUCKDB_MEMORY,
    duckdbThreads: vars.TIDEMARK_DUCKDB_THREADS,
    alertWebhookUrl: vars.TIDEMARK_ALERT_WEBHOOK ?? null,
    logLevel: vars.TIDEMARK_LOG,
    user: vars.TIDEMARK_USER ?? userName(),
    host: vars.TIDEMARK_HOST,
    port: vars.TIDEMARK_PORT,
    variable: (name) => set[name],
  };
}

/** A container's user may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
