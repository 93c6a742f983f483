// @ts-check
// A policy as a form: what the fields show, and what they say.

import { toMoment, toWall } from './console-time.js';

/** @typedef {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Field */
/** @typedef {Record<string, string | number | boolean | null | undefined>} Policy */

/**
 * Returns what a field of this kind shows.
 * @param {string} kind  `number`, `moment`, `switch`, or any other for a text.
 * @param {Policy[string]} value
 * @param {string} zone
 * @returns {string | boolean}
 */
export function shown(kind, value, zone) {
  if (kind === 'switch') return value === true;
  if (value === null || value === undefined) return '';
  if (kind === 'moment') return toWall(String(value), zone);
  return String(value);
}

/**
 * Returns what a field of this kind says; `null` where it is empty. What is no number stays as it is, so that
 * the API refuses it by name.
 * @param {string} kind
 * @param {string | boolean} value
 * @param {string} zone
 * @returns {string | number | boolean | null}
 */
export function meant(kind, value, zone) {
  if (typeof value === 'boolean') return value;
  const text = kind === 'lines' ? value.replaceAll('\r\n', '\n').trim() : value.trim();
  if (text === '') return null;
  if (kind === 'number') {
    const plain = text.replaceAll(',', '');
    return /^\d+$/.test(plain) ? Number(plain) : text;
  }
  if (kind === 'moment') return toMoment(text, zone);
  return text;
}

/**
 * Returns whether a field still shows a moment of the policy. A wall clock shows some moments twice, and no
 * milliseconds, so what it says may be another one.
 * @param {Policy | undefined} policy
 * @param {string} name
 * @param {string} value
 * @param {string} zone  The one that the form says.
 */
export function stands(policy, name, value, zone) {
  return policy?.timeZone === zone && value === shown('moment', policy[name], zone);
}

/**
 * Returns the fields in which `said` differs from `policy`.
 * @param {Policy} policy
 * @param {Policy} said
 * @returns {Policy}
 */
export function changes(policy, said) {
  return Object.fromEntries(Object.entries(said).filter(([name, value]) => (policy[name] ?? null) !== (value ?? null)));
}

/**
 * Returns the field that a code complains about: `INVALID_GROUP_SIZE` is about `groupSize`.
 * @param {string} code
 */
export function fieldOf(code) {
  const words = /^INVALID_(\w+)$/.exec(code)?.[1]?.toLowerCase() ?? '';
  return words.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
}

/** A form whose elements with `data-kind` are fields of a policy. */
export class PolicyForm {
  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.form = form;
    /** What is shown. @type {Policy | undefined} */
    this.policy = undefined;
    this.fields = /** @type {Field[]} */ ([...form.querySelectorAll('[data-kind]')]);
  }

  /** @param {Policy} policy */
  show(policy) {
    this.clear();
    this.policy = policy;
    const zone = String(policy.timeZone);
    for (const field of this.fields) {
      const value = shown(field.dataset.kind ?? '', policy[field.name], zone);
      if (typeof value === 'boolean') /** @type {HTMLInputElement} */ (field).checked = value;
      else field.value = value;
    }
  }

  /**
   * Returns what the fields say. Throws a RangeError if there is no such time zone.
   * @returns {Policy}
   */
  read() {
    const zone = this.fields.find((field) => field.name === 'timeZone')?.value.trim() || 'Asia/Seoul';
    return Object.fromEntries(this.fields.map((field) => {
      const kind = field.dataset.kind ?? '';
      const value = kind === 'switch' ? /** @type {HTMLInputElement} */ (field).checked : field.value;
      const untouched = kind === 'moment' && stands(this.policy, field.name, String(value), zone);
      return [field.name, untouched ? this.policy?.[field.name] ?? null : meant(kind, value, zone)];
    }));
  }

  /** Returns a field that is filled in by half, such as a date without a time. */
  half() {
    return this.fields.find((field) => field.validity.badInput);
  }

  /** Forgets what was refused. */
  clear() {
    for (const field of this.fields) refuse(field, '');
  }

  /**
   * Shows a refusal at the field that it is about, and goes there. Returns whether there is such a field.
   * @param {string} code
   * @param {string} message
   */
  refused(code, message) {
    const field = this.form.elements.namedItem(fieldOf(code));
    if (!(field instanceof HTMLElement)) return false;
    refuse(/** @type {Field} */ (field), message);
    field.focus();
    return true;
  }
}

/**
 * Says at a field why it was refused; an empty message takes it back.
 * @param {Field} field
 * @param {string} message
 */
export function refuse(field, message) {
  field.toggleAttribute('aria-invalid', message !== '');
  if (message) field.setAttribute('aria-invalid', 'true');
  const place = document.getElementById(`${field.id}-refused`);
  if (place) place.textContent = message;
}
