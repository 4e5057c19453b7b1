import { messageOf, TidemarkError } from '../core/errors.ts';
import type { FeatureTypes } from '../define/feature-view.ts';
import { decodeFailure, decodeResponse } from './decode-response.ts';
import { type AnyRequest, encodeRequest } from './encode-request.ts';
import type {
  FeatureResult,
  NamedFeatureResult,
  NamedRequest,
  ServiceRequest,
  ViewRequest,
} from './requests.ts';

export interface ClientOptions {
  /** `http://127.0.0.1:6567` */
  readonly baseUrl: string;
  /** For one try; default 2,000. */
  readonly timeoutMillis?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Reads features as they are now, one result for each entity, in their order. Throws TidemarkError: the server's
 * own, or STORE_UNAVAILABLE when it cannot be reached (after a second try) or does not answer in time.
 */
export interface TidemarkClient {
  getOnlineFeatures<F extends FeatureTypes, K extends keyof F & string = keyof F & string>(
    request: ViewRequest<F, K>,
  ): Promise<readonly FeatureResult<Pick<F, K>>[]>;
  getOnlineFeatures<F extends FeatureTypes>(request: ServiceRequest<F>): Promise<readonly FeatureResult<F>[]>;
  getOnlineFeatures(request: NamedRequest): Promise<readonly NamedFeatureResult[]>;
}

/** A typed client of `tidemark serve`. Throws REQUEST_INVALID when `baseUrl` is no http address. */
export function createClient({ baseUrl, timeoutMillis = 2000, headers = {} }: ClientOptions): TidemarkClient {
  const { url, authorization } = endpoint(baseUrl);
  const post = async (body: string, signal: AbortSignal | undefined): Promise<Answer> => {
    const timeout = AbortSignal.timeout(timeoutMillis);
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { ...authorization, ...headers, 'content-type': 'application/json' },
        body,
        signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
      });
      return { status: response.status, ok: response.ok, text: await response.text() };
    } catch (error) {
      if (signal?.aborted === true) throw new TidemarkError('CANCELLED', 'Reading features was cancelled.');
      const why = timeout.aborted ? `it did not answer within ${timeoutMillis} ms` : causeOf(error);
      throw new TidemarkError('STORE_UNAVAILABLE', `Cannot reach ${url.origin}: ${why}.`, { cause: error });
    }
  };
  const read = async (request: AnyRequest): Promise<readonly NamedFeatureResult[]> => {
    const body = encodeRequest(request);
    const answer = await post(body, request.signal).catch((error: unknown) => {
      if (isConnectionError(error)) return post(body, request.signal);
      throw error;
    });
    if (!answer.ok) throw decodeFailure(answer.status, answer.text);
    return decodeResponse(answer.text, new Set(Object.keys(request.entities?.[0] ?? {})));
  };
  // The overloads know the features' types; at run time the server's answer brings them.
  return { getOnlineFeatures: read as unknown as TidemarkClient['getOnlineFeatures'] };
}

interface Answer {
  readonly status: number;
  readonly ok: boolean;
  readonly text: string;
}

/** A user and password in the address become a header: fetch refuses them there, and repeats them in its error. */
function endpoint(baseUrl: string): { readonly url: URL; readonly authorization: Record<string, string> } {
  const base = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (base === undefined || !['http:', 'https:'].includes(base.protocol)) {
    throw new TidemarkError(
      'REQUEST_INVALID',
      'Cannot create a client: baseUrl must be an address such as "http://127.0.0.1:6567".',
    );
  }
  const { username, password } = base;
  base.username = '';
  base.password = '';
  const url = new URL('get-online-features', base.href.endsWith('/') ? base : `${base.href}/`);
  if (username === '' && password === '') return { url, authorization: {} };
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  return { url, authorization: { authorization: `Basic ${credentials.toString('base64')}` } };
}

/** Reading changes nothing, so a connection that broke may be tried again; a slow server may not. */
function isConnectionError(error: unknown): boolean {
  return (
    error instanceof TidemarkError && error.code === 'STORE_UNAVAILABLE' && error.cause instanceof TypeError
  );
}

function causeOf(error: unknown): string {
  return messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
}
