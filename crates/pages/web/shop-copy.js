// @ts-check
/** Copying a booking number. */

import { say } from './shop-page.js';
import { text } from './shop-text.js';

/** How long a button tells what came of it, in milliseconds. */
const TOLD = 4_000;

/** Copies what an element shows, and leaves it selected. @param {HTMLElement} element @returns {Promise<boolean>} whether it could be copied */
async function copy(element) {
  getSelection()?.selectAllChildren(element);
  try {
    await navigator.clipboard.writeText(element.innerText);
    return true;
  } catch {
    // Without TLS or a permission there is no clipboard but the old way to it.
    return document.execCommand('copy');
  }
}

/** Lets a button copy a booking number. @param {HTMLElement} button @param {HTMLElement} number */
export function copies(button, number) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let back;
  button.addEventListener('click', async () => {
    const words = text((await copy(number)) ? 'copied' : 'selected');
    button.textContent = words;
    say(words);
    clearTimeout(back);
    back = setTimeout(() => {
      button.textContent = text('copy');
      say('');
    }, TOLD);
  });
}
