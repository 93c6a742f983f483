// @ts-check
/** The dialog in which one pays. */

import { find, tell } from './shop-page.js';
import { money, text } from './shop-text.js';

/** @typedef {import('./shop-payment.js').Payment} Payment */
/** @typedef {import('./shop-payment.js').Outcome} Outcome */

/** Between two questions what came of a payment, in milliseconds. */
const PAUSE = 4_000;

export class Checkout {
  /** @param {Payment} payment @param {(outcome: Outcome) => void} settled told whatever ends or changes the sale */
  constructor(payment, settled) {
    this.payment = payment;
    this.settled = settled;
    this.dialog = find('checkout');
    this.order = {};
    this.sum = 0;
    this.busy = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    find('checkout-form').addEventListener('submit', (/** @type {Event} */ event) => {
      event.preventDefault();
      this.pay();
    });
    find('checkout-back').addEventListener('click', () => this.dialog.close());
    find('ask-again').addEventListener('click', () => this.ask());
    // While nobody knows whether it was paid, nobody should choose again.
    this.dialog.addEventListener('cancel', (/** @type {Event} */ event) => {
      if (this.busy || this.doubtful) event.preventDefault();
    });
  }

  get doubtful() {
    return !find('doubt').hidden;
  }

  /** @param {object} order @param {number} sum */
  open(order, sum) {
    this.order = order;
    this.sum = sum;
    find('checkout-sum').textContent = money(sum);
    tell(find('checkout-told'), '');
    this.doubt(false);
    this.work(false);
    this.dialog.showModal();
    find('methods').querySelector('input:checked').focus();
  }

  /** Opens in doubt, for a payment that an earlier page has begun. @param {number} sum */
  resume(sum) {
    this.sum = sum;
    find('checkout-sum').textContent = money(sum);
    this.doubt(true);
    if (!this.dialog.open) this.dialog.showModal();
    this.ask();
  }

  /** Asks no more. */
  stop() {
    clearTimeout(this.timer);
    this.doubt(false);
  }

  async pay() {
    if (this.busy) return;
    tell(find('checkout-told'), '');
    this.work(true);
    const card = find('methods').querySelector('input:checked').value;
    this.tell(await this.payment.pay(this.order, card));
  }

  async ask() {
    if (this.busy) return;
    clearTimeout(this.timer);
    this.work(true);
    this.tell(await this.payment.ask());
  }

  /** @param {Outcome} outcome */
  tell(outcome) {
    this.work(false);
    this.doubt(outcome.kind === 'doubt');
    if (outcome.kind === 'doubt') {
      this.timer = setTimeout(() => this.ask(), PAUSE);
      return;
    }
    if (outcome.kind === 'declined') {
      tell(find('checkout-told'), text('declined'));
    } else {
      this.dialog.close();
    }
    this.settled(outcome);
  }

  /** @param {boolean} yes */
  doubt(yes) {
    find('doubt').hidden = !yes;
    find('checkout-form').hidden = yes;
    if (yes) find('ask-again').focus();
  }

  /** @param {boolean} busy */
  work(busy) {
    this.busy = busy;
    for (const id of ['checkout-pay', 'checkout-back', 'ask-again']) find(id).disabled = busy;
    find('methods').disabled = busy;
    find('checkout-pay').textContent = busy ? text('paying') : text('pay_sum', { sum: money(this.sum) });
  }
}
