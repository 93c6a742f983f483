// @ts-check
/** Cancelling one's bookings, and copying their numbers. The list itself needs no script. */

import { call } from './call.js';
import { copies } from './shop-copy.js';
import { find, say, tell } from './shop-page.js';
import { text } from './shop-text.js';

/** The booking that the question is about. @type {HTMLElement | null} */
let asked = null;

/** @param {HTMLElement} booking */
function ask(booking) {
  asked = booking;
  const unpaid = booking.dataset.state === 'PENDING';
  const amount = booking.querySelector('.amount')?.textContent ?? '';
  const items = [...booking.querySelectorAll('.items li > :first-child')].map((item) => item.textContent).join(', ');
  find('ask-what').textContent = `${booking.querySelector('h2')?.textContent} · ${items}`;
  find('ask-why').textContent = text(unpaid ? 'ask_unpaid' : 'ask_paid', { amount });
  tell(find('ask-failed'), '');
  find('ask').showModal();
  find('keep').focus();
}

async function cancel() {
  if (!asked) return;
  find('cancel').disabled = true;
  find('cancel').textContent = text('cancelling');
  const cancelled = await call('DELETE', `/v2/bookings/${asked.dataset.id}`);
  find('cancel').disabled = false;
  find('cancel').textContent = text('do_cancel');
  if (!cancelled.ok) {
    tell(find('ask-failed'), text(cancelled.code === 'PAYMENT_IN_FLIGHT' ? 'in_flight' : 'failed'));
    return;
  }
  asked.dataset.state = 'CANCELLED';
  const state = asked.querySelector('.state');
  if (state) {
    state.textContent = text('CANCELLED');
    state.classList.add('off');
  }
  if (cancelled.data.confirmedAt) tell(/** @type {HTMLElement} */ (asked.querySelector('.sum-name')), text('refunded'));
  asked.querySelector('.acts')?.remove();
  find('ask').close();
  say(text('cancelled'));
  asked.querySelector('h2')?.focus();
}

for (const button of document.querySelectorAll('.cancel')) {
  /** @type {HTMLElement} */ (button).hidden = false;
  button.addEventListener('click', () => ask(/** @type {HTMLElement} */ (button.closest('.booking'))));
}
for (const copy of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('.copy'))) {
  copy.hidden = false;
  copies(copy, /** @type {HTMLElement} */ (copy.closest('.booking')?.querySelector('.number')));
}
document.getElementById('keep')?.addEventListener('click', () => find('ask').close());
document.getElementById('cancel')?.addEventListener('click', cancel);
