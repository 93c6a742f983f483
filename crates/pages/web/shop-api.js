// @ts-check
/** The shop's API, called by its own pages: the browser's cookies say who asks. */

/**
 * @typedef {{ok: boolean, status: number, code: string, data: any}} Answer
 * `code` is the failure's word; `OFFLINE` if there was no answer. `data` is never null.
 */

/** @typedef {{body?: unknown, key?: string}} Content `key` makes repeating a request harmless. */

/** How long an answer may take, in milliseconds: a little more than the services' own limit. */
const LIMIT = 20_000;

/**
 * @param {string} method
 * @param {string} path
 * @param {Content} [content]
 * @returns {Promise<Answer>}
 */
export async function call(method, path, { body, key } = {}) {
  /** @type {Record<string, string>} */
  const headers = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (key !== undefined) headers['idempotency-key'] = key;
  try {
    const answer = await fetch(path, {
      method, headers, credentials: 'same-origin', signal: AbortSignal.timeout(LIMIT),
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const said = await answer.json();
    return { ok: answer.ok, status: answer.status, code: said.code ?? '', data: said.data ?? {} };
  } catch {
    return { ok: false, status: 0, code: 'OFFLINE', data: {} };
  }
}

/** Returns a key for a request that must not count twice. */
export function newKey() {
  // `crypto.randomUUID` exists only behind TLS and on this machine.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
