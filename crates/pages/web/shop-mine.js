// @ts-check
/** Reading which seats are mine: another window or another device may have changed that. Nothing here touches the page. */

/** @typedef {import('./call.js').Answer} Answer */
/** @typedef {import('./shop-sale.js').MySeat} MySeat */

export class Mine {
  /**
   * @param {() => Promise<Answer>} ask `GET /v2/concerts/{concertId}/seats/mine`
   * @param {(seats: MySeat[]) => void} take
   */
  constructor(ask, take) {
    this.ask = ask;
    this.take = take;
    /** How many of my own acts have been answered here. */
    this.acts = 0;
    this.again = false;
    /** @type {Promise<void> | null} */
    this.reading = null;
  }

  /** Says that an act of mine was answered: what is being read may be older. */
  acted() {
    this.acts += 1;
  }

  /** Reads. However often it is asked while it does, it reads once more. */
  read() {
    if (this.reading) this.again = true;
    this.reading ??= this.run().finally(() => { this.reading = null; });
    return this.reading;
  }

  async run() {
    do {
      this.again = false;
      const { acts } = this;
      const read = await this.ask();
      if (acts !== this.acts) this.again = true;
      else if (read.ok) this.take(read.data.seats);
    } while (this.again);
  }
}
