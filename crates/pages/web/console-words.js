// @ts-check
// Texts, numbers and times as people read them.

/** A text with `{name}` in it; "one person|{n} people" has both of its numbers. */
export class Words {
  /**
   * @param {Record<string, string>} texts
   * @param {string} language
   */
  constructor(texts, language) {
    this.texts = texts;
    this.language = language;
    /** Days are told as on the other pages: 24 Dec. */
    this.days = language === 'en' ? 'en-GB' : language;
    this.plural = new Intl.PluralRules(language);
    this.number = new Intl.NumberFormat(language);
    this.list = new Intl.ListFormat(language, { type: 'conjunction' });
  }

  /**
   * Returns a text with its values; `n` chooses between one and many.
   * @param {string} name
   * @param {Record<string, string | number>} [values]
   */
  say(name, values = {}) {
    const forms = (this.texts[name] ?? name).split('|');
    const one = forms.length > 1 && this.plural.select(Number(values.n)) === 'one';
    const text = forms[one ? 0 : forms.length - 1] ?? '';
    return text.replace(/\{(\w+)\}/g, (all, key) => {
      const value = values[key];
      return value === undefined ? all : typeof value === 'number' ? this.number.format(value) : value;
    });
  }

  /**
   * Returns whether there is a text of this name.
   * @param {string} name
   */
  has(name) {
    return name in this.texts;
  }

  /**
   * Returns a number, or a dash where there is none.
   * @param {number | null | undefined} value
   */
  count(value) {
    return value === null || value === undefined ? '–' : this.number.format(value);
  }

  /**
   * Returns a length of time in its largest sensible unit.
   * @param {number | undefined} ms
   */
  long(ms) {
    if (ms === undefined) return '–';
    const seconds = Math.round(ms / 1000);
    if (seconds < 100) return this.say('seconds', { n: seconds });
    const minutes = Math.round(seconds / 60);
    if (minutes < 100) return this.say('minutes', { n: minutes });
    return this.say('hours', { n: Math.round(minutes / 60) });
  }

  /**
   * Returns an interval as it is set: in minutes where they are whole.
   * @param {number} seconds
   */
  every(seconds) {
    return seconds % 60 === 0 ? this.say('minutes', { n: seconds / 60 }) : this.say('seconds', { n: seconds });
  }

  /**
   * Returns a moment with its day and seconds, in the reader's own time zone.
   * @param {string} moment
   */
  stamp(moment) {
    const format = new Intl.DateTimeFormat(this.days, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' });
    return format.format(new Date(moment));
  }

  /**
   * Returns a moment in a time zone, with its day unless it is today there. If this browser does not know the zone,
   * it is told in UTC, and says so.
   * @param {string} moment
   * @param {string | undefined} zone
   * @param {number} now
   */
  moment(moment, zone, now) {
    const known = isKnown(zone);
    const timeZone = known ? zone : 'UTC';
    const day = new Intl.DateTimeFormat(this.days, { month: 'short', day: 'numeric', timeZone });
    const time = new Intl.DateTimeFormat(this.language, {
      hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone,
    });
    const at = new Date(moment);
    const today = day.format(at) === day.format(now);
    const told = today ? time.format(at) : `${day.format(at)} ${time.format(at)}`;
    return known ? told : `${told} UTC`;
  }
}

/**
 * Returns whether this browser knows a time zone; it does not know every one that the server does.
 * @param {string | undefined} zone
 */
function isKnown(zone) {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: zone }));
  } catch {
    return false;
  }
}
