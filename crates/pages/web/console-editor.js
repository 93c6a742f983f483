// @ts-check
// The policy of a concert, to be changed, and that of a new one.

import { api } from './console-api.js';
import { $, announce, defaults, failure, put, words } from './console-dom.js';
import { PolicyForm, changes, refuse } from './console-policy.js';
import { address } from './console-route.js';

const form = new PolicyForm($('policy'));
/** @type {{concert: Record<string, any>, version: string} | undefined} */
let read;
/** How often a concert was chosen: an answer about an earlier one comes too late. */
let turn = 0;

/** @param {string} text */
function note(text) {
  put($('policy-note'), text);
  $('policy-note').hidden = text === '';
}

/** @param {string} [concertId]  Without one, the form makes a new concert. */
export async function edit(concertId) {
  turn += 1;
  const mine = turn;
  read = undefined;
  note('');
  put($('policy-refused'), '');
  $('new-id').hidden = concertId !== undefined;
  put($('policy-title'), words.say(concertId ? 'tab_policy' : 'new_concert'));
  $('policy-title').classList.toggle('spoken', concertId !== undefined);
  put($('policy-save'), words.say(concertId ? 'save' : 'create'));
  $('policy-reset').hidden = concertId === undefined;
  if (!concertId) {
    $('p-concertId').value = '';
    form.show(defaults);
    lock(false);
    return;
  }
  lock(true);
  const answer = await api.concert(concertId);
  if (mine !== turn) return;
  if (!answer.ok) {
    put($('policy-refused'), failure(answer));
    return;
  }
  $('policy-reset').hidden = false;
  read = { concert: answer.data, version: answer.etag ?? '' };
  form.show(answer.data);
  lock(answer.data.closed);
  if (answer.data.closed) note(words.say('closed_for_good'));
}

/** @param {boolean} locked */
function lock(locked) {
  for (const field of form.fields) field.disabled = locked;
  $('policy-save').hidden = locked;
  $('policy-reset').hidden ||= locked;
}

/** Returns whether the form has changes that were not saved. */
export function isEdited() {
  if (!read) return false;
  try {
    return Object.keys(changes(read.concert, form.read())).length > 0;
  } catch {
    return true;
  }
}

/** @param {SubmitEvent} event */
async function save(event) {
  event.preventDefault();
  form.clear();
  put($('policy-refused'), '');
  put($('p-concertId-refused'), '');
  const half = form.half();
  if (half) {
    refuse(half, words.say('half_filled'));
    half.focus();
    return;
  }
  let said;
  try {
    said = form.read();
  } catch {
    form.refused('INVALID_TIME_ZONE', words.say('time_zone_refused'));
    return;
  }
  const button = $('policy-save');
  button.disabled = true;
  await ($('new-id').hidden ? change(said) : create(said));
  button.disabled = false;
}

/** @param {Record<string, any>} said */
async function create(said) {
  const fields = changes(defaults, said);
  const concertId = $('p-concertId').value.trim();
  const answer = await api.create({ title: '', ...fields, concertId });
  if (!answer.ok) return refused(answer);
  announce(words.say('done_create', { title: answer.data.title }));
  location.hash = address(answer.data.concertId);
}

/** @param {Record<string, any>} said */
async function change(said) {
  if (!read) return;
  const fields = changes(read.concert, said);
  if (Object.keys(fields).length === 0) {
    note(words.say('nothing_changed'));
    return;
  }
  const answer = await api.change(read.concert.concertId, fields, read.version);
  if (answer.code === 'VERSION_MISMATCH') return meanwhile();
  if (!answer.ok) return refused(answer);
  read = { concert: answer.data, version: answer.etag ?? '' };
  form.show(answer.data);
  note('');
  announce(words.say('done_change', { n: Object.keys(fields).length }));
}

/** Somebody else was faster: shows what they changed, and keeps what is in the form. */
async function meanwhile() {
  if (!read) return;
  const now = await api.concert(read.concert.concertId);
  if (!now.ok) return refused(now);
  const mine = form.read();
  const theirs = Object.keys(changes(read.concert, now.data)).filter((name) => words.has(`field_${name}`));
  const told = theirs.map((name) => words.say('changed_to', {
    field: words.say(`field_${name}`), value: value(name, now.data[name], now.data.timeZone),
  }));
  // What they changed and I did not is theirs; the rest of the form stays as it is.
  const kept = changes(read.concert, mine);
  read = { concert: now.data, version: now.etag ?? '' };
  form.show({ ...now.data, ...kept });
  note(`${words.say('changed_meanwhile')} ${told.join(', ')}`);
  $('policy-note').scrollIntoView({ block: 'center' });
}

/**
 * Returns a value of a policy as people read it.
 * @param {string} name
 * @param {any} it
 * @param {string} zone  In which moments are told.
 */
export function value(name, it, zone) {
  if (it === null || it === undefined) return words.say('not_set');
  if (typeof it === 'boolean') return words.say(it ? 'yes' : 'no');
  if (typeof it === 'number') return words.count(it);
  if (name.endsWith('At')) return words.moment(it, zone, Date.now());
  return words.has(`${name}_${it}`) ? words.say(`${name}_${it}`) : String(it);
}

/** @param {import('./call.js').Answer} answer */
function refused(answer) {
  if (!form.refused(answer.code, failure(answer))) put($('policy-refused'), failure(answer));
}

$('policy').addEventListener('submit', save);
$('policy-reset').addEventListener('click', () => edit(read?.concert.concertId));
