// @ts-check
/** Elements of the page. */

/** @param {string} id @returns {any} the element, whose kind the template decides */
export function find(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`no element #${id}`);
  return element;
}

/**
 * Makes an element. What it is given is text, never markup.
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * Makes a button.
 * @param {string} words
 * @param {() => void} press
 * @param {Record<string, string>} [attributes]
 */
export function button(words, press, attributes = {}) {
  const element = make('button', { type: 'button', ...attributes }, words);
  element.addEventListener('click', press);
  return element;
}

/** Shows a text in an element, or hides it if there is none. @param {HTMLElement} element @param {string} words */
export function tell(element, words) {
  element.hidden = words === '';
  if (element.textContent !== words) element.textContent = words;
}

/** Says something to who listens to the page. @param {string} words */
export function say(words) {
  find('said').textContent = words;
}

/** Shows a sentence with one strong part. @param {HTMLElement} element @param {(part: string) => string} sentence @param {string} part */
export function stress(element, sentence, part) {
  const [before = '', after = ''] = sentence('\u0000').split('\u0000');
  element.hidden = false;
  if (element.textContent !== `${before}${part}${after}`) element.replaceChildren(before, make('b', {}, part), after);
}
