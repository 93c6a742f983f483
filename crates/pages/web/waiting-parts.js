// @ts-check
/** Parts of the waiting page that need nothing of the rest. */
import { fill, group } from './waiting-text.js';

/** Milliseconds after which a form that led nowhere can be sent again. */
const PATIENCE = 15_000;

/**
 * Sets a text with one number, which is emphasised, where it differs.
 * @param {HTMLElement} element
 * @param {string} pattern
 * @param {number} number
 */
export function phrase(element, pattern, number) {
  const [before, after] = pattern.split('{n}');
  const strong = document.createElement('b');
  strong.textContent = group(number);
  if (element.textContent !== before + strong.textContent + after) element.replaceChildren(before ?? '', strong, after ?? '');
}

/**
 * Shows what is left of each price.
 * @param {HTMLElement} card
 * @param {import('./sunbeon.js').Stock['tiers']} tiers
 * @param {Record<string, string>} text
 */
export function showTiers(card, tiers, text) {
  const rows = tiers.map((tier) => {
    const row = document.createElement('li');
    const cell = (/** @type {'b' | 'span'} */ tag, words = '', name = '') => {
      const made = row.appendChild(document.createElement(tag));
      made.textContent = words;
      made.className = name;
    };
    cell('b', tier.name);
    cell('span', tier.price ? fill(text.price ?? '', { n: group(tier.price) }) : '');
    if (tier.left) cell('span', fill(text.left ?? '', { n: group(tier.left) }));
    else cell('span', text.gone, 'gone');
    return row;
  });
  const list = card.querySelector('ul');
  const shown = rows.map((row) => row.textContent).join();
  if (!list || list.dataset.shown === shown) return;
  list.dataset.shown = shown;
  list.replaceChildren(...rows);
}

/**
 * Returns the first number that this browser saw of an entry.
 * @param {string} concertId
 * @param {number} entry
 * @param {number} number
 */
export function beganWith(concertId, entry, number) {
  const key = `sunbeon-began-${concertId}`;
  try {
    const kept = JSON.parse(localStorage.getItem(key) ?? '{}');
    if (kept.entry === entry) return Math.max(kept.number, number);
    localStorage.setItem(key, JSON.stringify({ entry, number }));
  } catch {
    // Without storage the way begins here.
  }
  return number;
}

/** Keeps a second click from sending a form again, until the page is there again or it led nowhere. */
export function sendOnce() {
  const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll('form[method=post] button:not([type=button])'));
  const enable = (/** @type {boolean} */ can) => {
    for (const button of buttons) button.disabled = !can;
  };
  addEventListener('pageshow', () => enable(true));
  for (const form of document.querySelectorAll('form[method=post]')) {
    // What is disabled at once is not sent.
    form.addEventListener('submit', () => setTimeout(() => enable(false)));
    form.addEventListener('submit', () => setTimeout(() => enable(true), PATIENCE));
  }
}
