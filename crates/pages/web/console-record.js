// @ts-check
// The record of operators' acts: the audit.

import { api } from './console-api.js';
import { $, failure, make, put, words } from './console-dom.js';
import { value } from './console-editor.js';

/** @type {string | undefined} */
let concert;
/** @type {string | undefined} */
let cursor;

/** @param {string} [concertId]  Without one, of all concerts. */
export function showRecord(concertId) {
  concert = concertId;
  put($('record-title'), words.say(concertId ? 'tab_record' : 'whole_record'));
  $('record-csv').href = `/v2/admin/audit.csv${concertId ? `?concertId=${concertId}` : ''}`;
  $('record-back').hidden = concertId !== undefined;
  read();
}

/** @param {string} [from] */
async function read(from) {
  const of = concert;
  const answer = await api.audit(of, from);
  if (of !== concert) return;
  put($('record-refused'), answer.ok ? '' : failure(answer));
  if (!answer.ok) return;
  const items = answer.data.acts.map(item);
  if (from) $('record').append(...items);
  else $('record').replaceChildren(...items);
  cursor = answer.data.nextCursor;
  $('record-more').hidden = !cursor;
  $('record-none').hidden = $('record').children.length > 0;
}

/** @param {any} entry */
function item({ at, actor, act, concertId, detail }) {
  const name = words.has(`did_${act}`) ? words.say(`did_${act}`) : act;
  const what = Object.entries(detail ?? {}).map(([field, it]) => {
    const label = words.has(`field_${field}`) ? words.say(`field_${field}`) : field;
    return words.say('changed_to', { field: label, value: value(field, it) });
  });
  return make('li', {},
    make('p', {}, make('b', {}, name), ...(concert || !concertId ? [] : [' ', make('span', { class: 'quiet' }, concertId)])),
    ...(what.length ? [make('p', {}, what.join(', '))] : []),
    make('p', { class: 'small quiet' }, make('time', { datetime: at }, words.stamp(at)), ` · ${actor}`));
}

$('record-again').addEventListener('click', () => read());
$('record-more').addEventListener('click', () => read(cursor));
