// @ts-check
// What an operator does with a line. Every act is asked about once.

import { newKey } from './call.js';
import { api } from './console-api.js';
import { ask } from './console-ask.js';
import { $, failure, put, words } from './console-dom.js';
import { changes, refuse } from './console-policy.js';

/** @typedef {import('./console-figures.js').Line} Line */
/** @typedef {import('./call.js').Answer} Answer */

/**
 * A line, and its concert as it was read.
 * @typedef {{line: Line, concert: Record<string, any>, version: string}} Chosen
 */

/** @param {Line} line */
function aboutLine({ concertTitle, concertId, counts }) {
  return [
    words.say('about_concert', { title: concertTitle, id: concertId }),
    words.say('about_counts', {
      waiting: counts.waiting + counts.away, ready: counts.ready, inside: counts.inside,
    }),
  ];
}

/** @param {Line} line */
function aboutSlots({ counts, maxActive, mode }) {
  if (maxActive === undefined || mode === 'off') return words.say('about_no_cap');
  return words.say('about_slots', { free: Math.max(0, maxActive - counts.slots), max: maxActive });
}

/**
 * @param {Line} line
 * @param {string} said  How many.
 */
export function open(line, said) {
  const size = said.trim().replaceAll(',', '');
  const field = $('batch');
  refuse(field, '');
  if (!/^\d+$/.test(size) || Number(size) < 1 || Number(size) > 10_000) {
    refuse(field, words.say('batch_refused'));
    field.focus();
    return;
  }
  const key = newKey();
  const n = Number(size);
  ask({
    title: words.say('ask_open', { n }),
    about: [...aboutLine(line), aboutSlots(line), ...(line.state === 'paused' ? [words.say('about_paused')] : [])],
    yes: words.say('yes_open', { n }),
    act: () => api.open(line.concertId, n, key),
    done: ({ data }) => `${words.say(data.admitted ? 'done_open' : 'done_open_none', { n: data.admitted })} ${words.say(`limited_${data.limitedBy}`)}`.trim(),
  });
}

/**
 * Changes some fields of a concert. Fails as the API does if it was changed meanwhile.
 * @param {Chosen} chosen
 * @param {Record<string, any>} said
 * @returns {Promise<Answer>}
 */
async function change({ concert, version }, said) {
  const changed = changes(concert, said);
  if (Object.keys(changed).length === 0) return { ok: true, status: 200, code: '', message: '', data: concert, etag: version };
  return api.change(concert.concertId, changed, version);
}

/**
 * Changes the notice after an act that gave the concert a new version. Whoever changed it since the question was
 * asked is not overruled: that is refused, as of an old version.
 * @param {Chosen} chosen
 * @param {Answer} acted
 * @param {string | null} notice
 * @returns {Promise<Answer>}
 */
async function changeNotice(chosen, acted, notice) {
  const isSame = (acted.data.notice ?? null) === (chosen.concert.notice ?? null);
  const version = isSame ? `"${acted.data.version}"` : chosen.version;
  const changed = await change({ ...chosen, version }, { notice });
  return changed.ok && changed.status === 0 ? acted : changed;
}

/** @type {Record<string, (chosen: Chosen) => void>} */
export const acts = {
  pace: (chosen) => ask({
    title: words.say('ask_pace'),
    about: aboutLine(chosen.line),
    fields: 'fields-pace',
    values: chosen.concert,
    yes: words.say('yes_pace'),
    act: (said) => change(chosen, said),
    done: () => words.say('done_pace'),
  }),
  notice: (chosen) => ask({
    title: words.say('ask_notice'),
    about: aboutLine(chosen.line),
    fields: 'fields-notice',
    values: chosen.concert,
    yes: words.say('yes_notice'),
    act: (said) => change(chosen, said),
    done: ({ data }) => words.say(data.notice ? 'done_notice' : 'done_no_notice'),
  }),
  pause: (chosen) => ask({
    title: words.say('ask_pause'),
    about: [...aboutLine(chosen.line), words.say('about_pause')],
    fields: 'fields-notice',
    values: chosen.concert,
    yes: words.say('yes_pause'),
    // The pause first: it is urgent, and it holds even if the reason is refused.
    act: async ({ notice }) => {
      const paused = await api.act(chosen.line.concertId, 'pause');
      return paused.ok ? changeNotice(chosen, paused, notice) : paused;
    },
    done: () => words.say('done_pause'),
  }),
  resume: (chosen) => ask({
    title: words.say('ask_resume'),
    about: [...aboutLine(chosen.line), ...(chosen.concert.notice ? [words.say('about_notice', { notice: chosen.concert.notice })] : [])],
    fields: chosen.concert.notice ? 'fields-resume' : undefined,
    yes: words.say('yes_resume'),
    act: async (_, form) => {
      const forget = /** @type {HTMLInputElement | null} */ (form.elements.namedItem('forget'));
      const resumed = await api.act(chosen.line.concertId, 'resume');
      return resumed.ok && forget?.checked ? changeNotice(chosen, resumed, null) : resumed;
    },
    done: () => words.say('done_resume'),
  }),
  clear: (chosen) => ask({
    title: words.say('ask_clear', { n: chosen.line.counts.waiting + chosen.line.counts.away + chosen.line.counts.admitting }),
    about: [...aboutLine(chosen.line), words.say('about_clear')],
    final: true,
    yes: words.say('yes_clear'),
    act: () => api.act(chosen.line.concertId, 'clear'),
    done: ({ data }) => words.say('done_clear', { n: data.cleared }),
  }),
  close: (chosen) => ask({
    title: words.say('ask_close'),
    about: [...aboutLine(chosen.line), words.say('about_close')],
    final: true,
    yes: words.say('yes_close'),
    act: () => api.act(chosen.line.concertId, 'close'),
    done: () => words.say('done_close'),
  }),
  delete: (chosen) => ask({
    title: words.say('ask_delete'),
    about: [...aboutLine(chosen.line), words.say('about_delete')],
    final: true,
    yes: words.say('yes_delete'),
    act: () => api.remove(chosen.line.concertId),
    done: () => {
      location.hash = '#/';
      return words.say('done_delete');
    },
  }),
};

/**
 * Begins an act with the concert as it is now.
 * @param {string} name
 * @param {Line} line
 * @param {(text: string) => void} failed
 */
export async function begin(name, line, failed) {
  const read = await api.concert(line.concertId);
  if (read.ok) acts[name]?.({ line, concert: read.data, version: read.etag ?? '' });
  else failed(failure(read));
}

/**
 * Shows which acts make sense now.
 * @param {Line} line
 */
export function offer(line) {
  const over = line.state === 'closed';
  const done = over || line.state === 'ended';
  const paused = line.state === 'paused';
  /** @type {Record<string, boolean>} */
  const hidden = {
    pace: over, notice: over, clear: done, close: over, delete: !done, pause: paused || done, resume: !paused,
  };
  for (const button of document.querySelectorAll('#acts [data-act]')) {
    /** @type {HTMLElement} */ (button).hidden = hidden[/** @type {HTMLElement} */ (button).dataset.act ?? ''] ?? false;
  }
  $('opening').hidden = done;
  const n = Number($('batch').value.replaceAll(',', ''));
  put($('opening').querySelector('button'), n >= 1 ? words.say('open_now', { n }) : words.say('open_some'));
}
