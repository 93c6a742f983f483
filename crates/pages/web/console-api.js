// @ts-check
// Asking the API, as the operator whose cookie the browser keeps.

/** @typedef {{ok: boolean, status: number, code: string, message: string, data: any, etag: string | null}} Answer */

/** How long an answer may take, in milliseconds. */
const LIMIT = 16_000;

/**
 * Sends a request. A request that gets no answer has the code `OFFLINE`.
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
    return { ok: false, status: 0, code: 'OFFLINE', message: '', data: undefined, etag: null };
  }
}

/** Returns a key by which a repeated opening is known. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const ADMIN = '/v2/admin/concerts';
const LETTERS = '/v2/admin/dead-letters';

/** @param {string} id */
const at = (id) => `${ADMIN}/${encodeURIComponent(id)}`;

export const api = {
  lines: () => call('GET', '/v2/waiting-room/admin', { limit: 4_000 }),
  health: () => call('GET', '/admin/health', { limit: 4_000 }),
  /** @param {string} id @param {string} [cursor] */
  members: (id, cursor) => call('GET', `/v2/waiting-room/admin/${id}?limit=50${cursor ? `&cursor=${cursor}` : ''}`),
  /** @param {string} id */
  concert: (id) => call('GET', at(id)),
  /** @param {unknown} body */
  create: (body) => call('POST', ADMIN, { body }),
  /** @param {string} id @param {unknown} body @param {string} version */
  change: (id, body, version) => call('PATCH', at(id), { body, version }),
  /** @param {string} id */
  remove: (id) => call('DELETE', at(id)),
  /** @param {string} id @param {'pause' | 'resume' | 'close' | 'clear'} act */
  act: (id, act) => call('POST', `${at(id)}/${act}`),
  /** @param {string} id @param {number | string} size @param {string} key */
  open: (id, size, key) => call('POST', `/v2/reservation/open/${id}?batchSize=${encodeURIComponent(size)}`, { key }),
  /** @param {string} id @param {string} member */
  member: (id, member) => call('GET', `${at(id)}/members/${encodeURIComponent(member)}`),
  /** @param {string} id @param {string} member */
  removeMember: (id, member) => call('DELETE', `${at(id)}/members/${encodeURIComponent(member)}`),
  /** @param {string | undefined} id @param {string} [cursor] */
  audit: (id, cursor) => {
    const query = new URLSearchParams({ limit: '50', ...(id && { concertId: id }), ...(cursor && { cursor }) });
    return call('GET', `/v2/admin/audit?${query}`);
  },
  /** @param {number} limit */
  letters: (limit) => call('GET', `${LETTERS}?limit=${limit}`),
  /** @param {number} limit */
  repeatLetters: (limit) => call('POST', `${LETTERS}/repeat?limit=${limit}`),
  /** @param {number} limit */
  removeLetters: (limit) => call('DELETE', `${LETTERS}?limit=${limit}`),
};
