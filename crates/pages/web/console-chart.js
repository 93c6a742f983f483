// @ts-check
// The two curves of a line, drawn by uPlot in the page's own colours.

import uPlot from './uplot.js';
import { $, words } from './console-dom.js';

/** @typedef {import('./console-figures.js').History} History */

const HEIGHT = 160;
/** A chart never shows less than this, in seconds. */
const SHORTEST = 300;

/** @param {string} name */
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

class Chart {
  /**
   * @param {string} id
   * @param {string} name  Of its text.
   * @param {string} colour
   */
  constructor(id, name, colour) {
    this.place = $(id);
    this.name = name;
    this.colour = colour;
    /** @type {any} */
    this.plot = undefined;
    /** @type {[number[], (number | null)[]]} */
    this.data = [[], []];
  }

  /**
   * @param {number[]} at
   * @param {(number | null)[]} values
   */
  show(at, values) {
    this.data = [at, values];
    if (!this.plot) this.draw();
    const { width } = this.place.getBoundingClientRect();
    if (this.plot && width && Math.round(width) !== this.plot.width) {
      this.plot.setSize({ width: Math.round(width), height: HEIGHT });
    }
    this.plot?.setData(this.data);
    const known = values.filter((value) => value !== null);
    this.place.setAttribute('aria-label', words.say(this.name, {
      now: known.at(-1) ?? '–', most: Math.max(0, ...known), least: known.length ? Math.min(...known) : 0,
    }));
  }

  /** Draws anew, in the colours of now. */
  draw() {
    this.plot?.destroy();
    // Where there is no room for it now, the next figures draw it.
    this.plot = undefined;
    const width = Math.round(this.place.getBoundingClientRect().width);
    if (!width) return;
    const stroke = token('--quiet');
    const font = `12px ${token('--font')}`;
    const axis = { stroke, font, ticks: { show: false }, grid: { stroke: token('--line'), width: 1 } };
    const time = new Intl.DateTimeFormat(words.language, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    const count = (/** @type {number[]} */ values) => values.map((value) => words.count(value));
    this.plot = new uPlot({
      width,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      padding: [8, 8, 0, 0],
      scales: { x: { range: (/** @type {any} */ _, /** @type {number} */ min, /** @type {number} */ max) => [Math.min(min, max - SHORTEST), max] }, y: { range: (/** @type {any} */ _, /** @type {number} */ __, /** @type {number} */ max) => [0, Math.max(10, max * 1.1)] } },
      axes: [
        { ...axis, size: 28, grid: { show: false }, space: 56, values: (/** @type {any} */ _, /** @type {number[]} */ splits) => splits.map((at) => time.format(at * 1000)), incrs: [60, 120, 300, 600, 900] },
        { ...axis, size: 52, space: 36, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000], values: (/** @type {any} */ _, /** @type {number[]} */ splits) => count(splits) },
      ],
      series: [{}, { stroke: token(this.colour), width: 2, points: { show: false }, spanGaps: false }],
    }, this.data, this.place);
  }
}

const waitingChart = new Chart('chart-waiting', 'chart_waiting_now', '--accent');
const rateChart = new Chart('chart-rate', 'chart_rate_now', '--good');

/**
 * Shows how a line went.
 * @param {History} history
 */
export function draw(history) {
  const { at, waiting, rate } = history.columns();
  waitingChart.show(at, waiting);
  rateChart.show(at, rate);
}

for (const query of ['(prefers-color-scheme: dark)', '(forced-colors: active)']) {
  matchMedia(query).addEventListener('change', () => {
    waitingChart.draw();
    rateChart.draw();
  });
}
