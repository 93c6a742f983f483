// @ts-check
// Asking the API of the same site: the browser's cookies say who asks.

/**
 * @typedef {{ok: boolean, status: number, code: string, message: string, data: any, etag: string | null}} Answer
 * `code` is the failure's word; `OFFLINE` if there was no answer. `data` is never null.
 */

/** How long an answer may take, in milliseconds: a little more than the services' own limit. */
const LIMIT = 16_000;

/**
 * Sends a request.
 * @param {string} method
 * @param {string} path
 * @param {{body?: unknown, version?: string, key?: string, limit?: number}} [options]
 *   `version` is the `ETag` that was read; with a `key`, a repeated request has no further effect.
 * @returns {Promise<Answer>}
 */
export async function call(method, path, { body, version, key, limit = LIMIT } = {}) {
  /** @type {Record<string, string>} */
  const headers = { Accept: 'application/json', 'Accept-Language': document.documentElement.lang };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (version) headers['If-Match'] = version;
  if (key) headers['Idempotency-Key'] = key;
  try {
    const response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: 'same-origin',
      cache: 'no-store',
      signal: AbortSignal.timeout(limit),
    });
    const answer = await response.json();
    return {
      ok: response.ok,
      status: response.status,
      code: answer.code ?? '',
      message: answer.message ?? '',
      data: answer.data ?? answer,
      etag: response.headers.get('ETag'),
    };
  } catch {
    return { ok: false, status: 0, code: 'OFFLINE', message: '', data: {}, etag: null };
  }
}

/** Returns a key for a request that must not count twice. */
export function newKey() {
  // `crypto.randomUUID` exists only behind TLS and on this machine.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
