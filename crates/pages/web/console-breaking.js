// @ts-check
// The demo's red buttons, which really break it: a part for a while, or a message.

import { call } from './console-api.js';
import { $, failure, put, words } from './console-dom.js';

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll('[data-break]'))) {
  button.addEventListener('click', async () => {
    const part = button.dataset.break ?? '';
    button.disabled = true;
    const answer = await call('POST', `/dev/break/${part}`);
    put($('broken'), answer.ok ? words.say(`broken_${part}`) : failure(answer));
    if (!answer.ok || part === 'message') {
      button.disabled = false;
      return;
    }
    setTimeout(() => {
      button.disabled = false;
      put($('broken'), words.say('mended'));
    }, 10_000);
  });
}
