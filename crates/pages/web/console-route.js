// @ts-check
// The console's addresses: everything after the `#`.

/** @typedef {'none' | 'line' | 'policy' | 'members' | 'record' | 'letters' | 'new'} View */

const OF_A_LINE = ['policy', 'members', 'record'];

/**
 * Returns what an address shows.
 * @param {string} hash
 * @returns {{view: View, concert?: string}}
 */
export function parse(hash) {
  const [first, concert, view = 'line'] = hash.replace(/^#\/?/, '').split('/');
  if (first === 'new' || first === 'record' || first === 'letters') return { view: first };
  if (first === 'lines' && concert && /^[\w-]{1,64}$/.test(concert)) {
    const known = OF_A_LINE.includes(view);
    return { view: known ? /** @type {View} */ (view) : 'line', concert };
  }
  return { view: 'none' };
}

/**
 * Returns the address of a line's view.
 * @param {string} concert
 * @param {View} view
 */
export function address(concert, view = 'line') {
  return view === 'line' ? `#/lines/${concert}` : `#/lines/${concert}/${view}`;
}
