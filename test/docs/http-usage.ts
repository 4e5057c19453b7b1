import type { FastifyInstance } from 'fastify';
import { readConfig } from '../../src/config.ts';
import { parseExactJson } from '../../src/core/exact-json.ts';
import { timeOf } from '../../src/core/time.ts';
import { createApp } from '../../src/server/app.ts';
import { parseGetOnlineFeatures } from '../../src/server/schemas.ts';
import {
  parseMaterialize,
  parseMaterializeIncremental,
  parsePush,
  parseWriteToOnlineStore,
} from '../../src/server/write-schemas.ts';

/** The server with all its routes, and nothing behind them: it is asked which routes it has, not to answer. */
export function routesOnly(): FastifyInstance {
  const nothing = () => {
    throw new Error('Nothing is served here.');
  };
  return createApp({
    registry: { current: nothing, status: nothing },
    online: { read: nothing, ping: nothing },
    functions: new Map(),
    clock: () => timeOf('2026-01-01T00:00:00Z'),
  });
}

const WITH_VALUE =
  /^(-[a-zA-Z]*[XHdoumw]|--request|--header|--data(-raw|-binary)?|--json|--output|--max-time)$/;
const DATA = /^(-[a-zA-Z]*d|--data(-raw|-binary)?|--json)$/;

/** What is wrong with `curl <words>`: a route that the server does not have, or a body that it would refuse. */
export function curlProblems(words: readonly string[], app: FastifyInstance): readonly string[] {
  const problems: string[] = [];
  const urls: string[] = [];
  let method: string | undefined;
  let data: string | undefined;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (!word.startsWith('-')) urls.push(word);
    else if (WITH_VALUE.test(word)) {
      const value = words[++at] ?? '';
      if (/^(-[a-zA-Z]*X|--request)$/.test(word)) method = value;
      if (DATA.test(word)) data = value;
    }
  }
  const [text, ...more] = urls;
  if (text === undefined || more.length > 0) return [`curl needs one address, and has ${urls.length}`];
  const url = new URL(/^https?:\/\//.test(text) ? text : `http://${text}`);
  const port = String(readConfig({}).port);
  if (!['localhost', '127.0.0.1'].includes(url.hostname) || url.port !== port) {
    problems.push(`curl asks ${url.host}: the server listens on 127.0.0.1:${port}`);
  }
  const verb = method ?? (data === undefined ? 'GET' : 'POST');
  // The last part of a path may be a name.
  const routes = [url.pathname, url.pathname.replace(/[^/]+$/, ':name')];
  if (!routes.some((route) => app.hasRoute({ method: verb, url: route }))) {
    return [...problems, `the server has no route ${verb} ${url.pathname}`];
  }
  const parse = PARSERS[url.pathname];
  if (parse !== undefined) problems.push(...bodyProblems(data ?? '', parse));
  return problems;
}

type Parser = (body: ReturnType<typeof parseExactJson>) => unknown;

const PARSERS: Readonly<Record<string, Parser>> = {
  '/get-online-features': parseGetOnlineFeatures,
  '/push': parsePush,
  '/write-to-online-store': parseWriteToOnlineStore,
  '/materialize': parseMaterialize,
  '/materialize-incremental': parseMaterializeIncremental,
};

function bodyProblems(body: string, parse: Parser): readonly string[] {
  try {
    parse(parseExactJson(body));
    return [];
  } catch (error) {
    return [`the server would refuse the body: ${error instanceof Error ? error.message : String(error)}`];
  }
}
