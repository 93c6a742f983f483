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
 * @property {(said: Record<string, any>, form: HTMLFormElement) => Promise<import('./console-api.js').Answer>} act
 * @property {(answer: import('./console-api.js').Answer) => string} done  What to say then.
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

/** @param {SubmitEvent} event */
async function act(event) {
  event.preventDefault();
  const yes = $('ask-yes');
  if (!asked || yes.disabled) return;
  const { question, fields } = asked;
  fields.clear();
  put($('ask-refused'), '');
  yes.disabled = true;
  const answer = await question.act(fields.read(), $('ask-form'));
  yes.disabled = false;
  if (answer.ok) {
    $('ask').close();
    announce(question.done(answer));
  } else if (!fields.refused(answer.code, failure(answer))) {
    put($('ask-refused'), failure(answer));
  }
}

$('ask-form').addEventListener('submit', act);
$('ask-no').addEventListener('click', () => $('ask').close());
$('ask').addEventListener('close', () => { asked = undefined; });
