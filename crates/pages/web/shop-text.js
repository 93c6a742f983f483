// @ts-check
/** The page's texts, filled in with what it knows. */

/** @type {Record<string, string>} */
const texts = JSON.parse(document.getElementById('text')?.textContent ?? '{}');

/**
 * Returns a text of the page with `{name}` replaced by the value of that name.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function text(key, values = {}) {
  const found = texts[key] ?? key;
  return found.replace(/\{(\w+)\}/g, (whole, name) => `${values[name] ?? whole}`);
}

/** @param {number} number */
export function grouped(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** @param {number} amount */
export function money(amount) {
  return text('money', { n: grouped(amount) });
}
