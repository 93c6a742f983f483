// @ts-check
// The dialog that every act goes through: it asks once, says what it concerns, and shows what came of it.

import { $, announce, failure, make, put } from './console-dom.js';
import { PolicyForm } from './console-policy.js';

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {string[]} about  What it concerns, a line each.
 * @property {string} yes  What the button does.
 * @property {boolean} [final]  Whether it cannot be taken back.
 * @property {string} [fields]  The id of the template with its fields.
 * @property {Record<string, any>} [values]  What the fields show.
 * @property {(said: Record<string, any>, form: HTMLFormElement) => Promise<import('./call.js').Answer>} act
 * @property {(answer: import('./call.js').Answer) => string} done  What to say then.
 */

/** @type {{question: Question, fields: PolicyForm} | undefined} */
let asked;

/**
 * Asks, and acts if the answer is yes.
 * @param {Question} question
 */
export function ask(question) {
  put($('ask-title'), question.title);
  $('ask-about').replaceChildren(...question.about.map((line) => make('li', {}, line)));
  put($('ask-yes'), question.yes);
  $('ask-yes').className = question.final ? 'final' : 'primary';
  $('ask-no').className = question.final ? 'primary' : 'plain';
  lock(false);
  put($('ask-refused'), '');
  const template = question.fields && /** @type {HTMLTemplateElement} */ ($(question.fields));
  $('ask-fields').replaceChildren(...(template ? [template.content.cloneNode(true)] : []));
  const fields = new PolicyForm($('ask-form'));
  if (question.values) fields.show(question.values);
  asked = { question, fields };
  $('ask').showModal();
  // A final act is not under the finger that opened the dialog.
  (fields.fields[0] ?? (question.final ? $('ask-no') : $('ask-yes'))).focus();
}

/**
 * While an act is under way, nobody can go away without its outcome.
 * @param {boolean} locked
 */
function lock(locked) {
  for (const id of ['ask-yes', 'ask-no']) $(id).disabled = locked;
}

/** @param {Event} event */
function stay(event) {
  if ($('ask-yes').disabled) event.preventDefault();
}

/** @param {SubmitEvent} event */
async function act(event) {
  event.preventDefault();
  if (!asked || $('ask-yes').disabled) return;
  const { question, fields } = asked;
  fields.clear();
  put($('ask-refused'), '');
  lock(true);
  const answer = await question.act(fields.read(), $('ask-form'));
  // A browser may have closed the dialog all the same, and another question may be open by now.
  if (asked?.question !== question) {
    announce(answer.ok ? question.done(answer) : failure(answer));
    return;
  }
  lock(false);
  if (answer.ok) {
    $('ask').close();
    announce(question.done(answer));
  } else if (!fields.refused(answer.code, failure(answer))) {
    put($('ask-refused'), failure(answer));
  }
}

$('ask-form').addEventListener('submit', act);
$('ask-no').addEventListener('click', () => $('ask').close());
$('ask').addEventListener('cancel', stay);
// A browser lets only one `cancel` in a row be stayed. The focus may be nowhere: its button is disabled.
document.addEventListener('keydown', (event) => { if (event.key === 'Escape') stay(event); });
$('ask').addEventListener('close', () => { asked = undefined; });
