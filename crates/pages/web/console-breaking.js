// @ts-check
// The demo's red buttons, which really break it: a part for a while, or a message.

import { call } from './call.js';
import { $, failure, put, words } from './console-dom.js';

/** By which trouble a broken part is known. @type {Record<string, string>} */
const TROUBLES = { broker: 'broker_down', consumer: 'stuck' };
/** For how long a part is broken at least, in milliseconds. */
const BROKEN = 10_000;

/** What is broken, and at what time it may be back. @type {Map<string, {button: HTMLButtonElement, until: number}>} */
const broken = new Map();

/**
 * Learns what is wrong now. A part is back when its time is over and its trouble is gone.
 * @param {string[]} troubles
 */
export function learnTroubles(troubles) {
  for (const [part, { button, until }] of broken) {
    if (performance.now() < until || troubles.includes(TROUBLES[part] ?? '')) continue;
    broken.delete(part);
    button.disabled = false;
    if (!broken.size) put($('broken'), words.say('mended'));
  }
}

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll('[data-break]'))) {
  button.addEventListener('click', async () => {
    const part = button.dataset.break ?? '';
    button.disabled = true;
    const answer = await call('POST', `/dev/break/${part}`);
    put($('broken'), answer.ok ? words.say(`broken_${part}`) : failure(answer));
    if (answer.ok && part in TROUBLES) broken.set(part, { button, until: performance.now() + BROKEN });
    else button.disabled = false;
  });
}
