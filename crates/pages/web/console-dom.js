// @ts-check
// Elements of the console's page.

import { Words } from './console-words.js';

/**
 * Returns the element with this id, which the page has.
 * @param {string} id
 * @returns {any}
 */
export function $(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/**
 * Makes an element. Strings among its children are text, never markup.
 * @param {string} tag
 * @param {Record<string, string | boolean | undefined>} attributes  Those that are `false` or missing are left out.
 * @param {...(Node | string)} children
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value !== undefined) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children);
  return element;
}

/**
 * Sets a text where it is another one, so that nothing is drawn or read aloud again.
 * @param {Element} element
 * @param {string} text
 */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {string} id */
const json = (id) => JSON.parse($(id).textContent);

export const words = new Words(json('text'), document.documentElement.lang);
export const defaults = json('defaults');

/** For how long what was done is shown, in milliseconds. */
const SHOWN = 8_000;
let shown = 0;

/**
 * Says what was done, for a while.
 * @param {string} text
 */
export function announce(text) {
  clearTimeout(shown);
  $('said').textContent = text;
  shown = setTimeout(() => { $('said').textContent = ''; }, SHOWN);
}

/**
 * Returns the sentence for a request that failed.
 * @param {import('./call.js').Answer} answer
 */
export function failure({ code, message }) {
  if (words.has(`failed_${code}`)) return words.say(`failed_${code}`);
  // The API calls a field by its name on the wire, which no operator has seen.
  const name = /^\w+/.exec(message)?.[0] ?? '';
  const plain = words.has(`field_${name}`) ? words.say(`field_${name}`) + message.slice(name.length) : message;
  return plain || words.say('failed');
}
