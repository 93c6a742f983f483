// @ts-check
// The record of operators' acts: the audit.

import { api } from './console-api.js';
import { $, defaults, failure, make, put, words } from './console-dom.js';
import { value } from './console-editor.js';
import { facts } from './console-figures.js';

/** The actor of an act with the static token; no member has this id. */
const TOKEN = 'admin token';
/** The order in which a policy's fields stand in its form; what was asked comes before what came of it. */
const ORDER = [...[...$('policy').elements].map(({ name }) => name), 'batchSize'];

/** @type {string | undefined} */
let concert;
/** @type {string | undefined} */
let cursor;
/** The time zones of concerts, as far as they were asked for. @type {Map<string, string>} */
const zones = new Map();

/** @param {string} [concertId]  Without one, of all concerts. */
export function showRecord(concertId) {
  concert = concertId;
  put($('record-title'), words.say(concertId ? 'tab_record' : 'whole_record'));
  $('record-csv').href = `/v2/admin/audit.csv${concertId ? `?concertId=${concertId}` : ''}`;
  $('record-back').hidden = concertId !== undefined;
  zones.clear();
  read();
}

/** @param {string} [from] */
async function read(from) {
  const of = concert;
  const answer = await api.audit(of, from);
  if (of !== concert) return;
  put($('record-refused'), answer.ok ? '' : failure(answer));
  if (!answer.ok) return;
  await learnZones(answer.data.acts);
  if (of !== concert) return;
  const items = answer.data.acts.map(item);
  if (from) $('record').append(...items);
  else $('record').replaceChildren(...items);
  cursor = answer.data.nextCursor;
  $('record-more').hidden = !cursor;
  $('record-none').hidden = $('record').children.length > 0;
}

/**
 * Asks for the time zones of concerts whose moments are told.
 * @param {any[]} acts
 */
async function learnZones(acts) {
  const told = acts.filter(({ detail }) => Object.keys(detail ?? {}).some((name) => name.endsWith('At')));
  const ids = new Set(told.map(({ concertId }) => concertId).filter((id) => id && !zones.has(id)));
  await Promise.all([...ids].map(async (id) => {
    const read = await api.concert(id);
    zones.set(id, read.ok ? read.data.timeZone : defaults.timeZone);
  }));
}

/** @param {any} entry */
function item({ at, actor, act, concertId, detail }) {
  const name = words.has(`did_${act}`) ? words.say(`did_${act}`) : act;
  const zone = zones.get(concertId) ?? defaults.timeZone;
  const what = facts(detail ?? {}, ORDER).map(({ field, old, now }) => {
    const label = words.has(`field_${field}`) ? words.say(`field_${field}`) : field;
    // Nothing restores the default.
    const [before, after] = [old, now ?? defaults[field]].map((it) => value(field, it, zone));
    const form = old === undefined || before === after ? 'changed_to' : 'changed_from';
    return words.say(form, { field: label, old: before ?? '', value: after ?? '' });
  });
  return make('li', {},
    make('p', {}, make('b', {}, name), ...(concert || !concertId ? [] : [' ', make('span', { class: 'quiet' }, concertId)])),
    ...(what.length ? [make('ul', {}, ...what.map((line) => make('li', {}, line)))] : []),
    make('p', { class: 'small quiet' }, make('time', { datetime: at }, words.stamp(at)), ` · ${actor === TOKEN ? words.say('admin_token') : actor}`));
}

$('record-again').addEventListener('click', () => read());
$('record-more').addEventListener('click', () => read(cursor));
