// @ts-check
// What operators ask the API.

import { call } from './call.js';

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
