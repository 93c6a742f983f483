// @ts-check
/**
 * Sunbeon in a browser: join a line, watch one's place, fetch the booking token, and be sent back to the line
 * by a shop that wants one. One module without dependencies; see docs/sunbeon-js.md.
 *
 * @typedef {'WAITING' | 'READY' | 'ENTERED' | 'NOT_IN_QUEUE' | 'BOOKING_CLOSED'} Status
 *
 * @typedef {object} Tier What is left at one price.
 * @property {string} name
 * @property {number} [price]
 * @property {number} left
 *
 * @typedef {object} Stock
 * @property {Tier[]} tiers
 * @property {string} reportedAt
 *
 * @typedef {object} Standing Where a member is. Fields that do not apply are left out.
 * @property {string} concertId
 * @property {string} concertTitle
 * @property {Status} status
 * @property {boolean} canEnter
 * @property {number} [entryNumber]
 * @property {number} [queueNumber]
 * @property {number} [totalWaitingCount]
 * @property {number} [estimatedWaitSeconds]
 * @property {string} [estimatedEnterAt]
 * @property {'paused' | 'slotsFull' | 'changed' | 'slowed'} [estimateReason]
 * @property {boolean} [longWait]
 * @property {number} [pollAfterMs]
 * @property {number} [taken]
 * @property {string} [pass]
 * @property {string} [expiresAt]
 * @property {string} [notice]
 * @property {boolean} [soldOut]
 * @property {Stock} [stock]
 *
 * @typedef {object} Line A line, as everybody may see it.
 * @property {string} concertId
 * @property {string} concertTitle
 * @property {'queue' | 'threshold' | 'off'} mode
 * @property {'member' | 'guest'} identity
 * @property {'early' | 'before' | 'open' | 'paused' | 'ended' | 'closed'} state
 * @property {string} timeZone
 * @property {string} [opensAt] When one can line up, if not from the beginning.
 * @property {string} [bookingStartAt]
 * @property {string} [bookingEndAt]
 * @property {number} groupSize
 * @property {number} entryIntervalSeconds
 * @property {boolean} autoOpen
 * @property {number} [waitingTtlSeconds]
 * @property {number} [front]
 * @property {number} taken
 * @property {number} totalWaitingCount
 * @property {boolean} [full] Whether nobody can join at the moment.
 * @property {{one: number, five: number, fifteen: number, sinceAt?: string}} pace
 * @property {string} [notice]
 * @property {boolean} [soldOut]
 * @property {Stock} [stock]
 * @property {string} at
 *
 * @typedef {object} BookingToken
 * @property {string} token
 * @property {string} expiresAt
 *
 * @typedef {'live' | 'polling' | 'retrying' | 'lost' | 'offline' | 'signed-out' | 'gone'} Link
 * How the place is being watched: by a socket; by polls; the last poll failed; three in a row did; the browser is
 * offline; the login has ended; there is no such concert (any more).
 *
 * @typedef {object} Watcher What a watch tells. Every function is optional.
 * @property {(standing: Standing) => void} [standing] The member's standing, whenever it changed.
 * @property {(line: Line) => void} [line] The line, whenever it changed.
 * @property {(link: Link) => void} [link] The state of the watch itself.
 *
 * @typedef {object} Known What the page knows already.
 * @property {Standing} [standing]
 * @property {Line} [line]
 * @property {boolean} [member] `false` watches the line only, for nobody in particular.
 *
 * @typedef {object} Socket What is used of a socket of socket.io-client.
 * @property {(event: string, listener: (...values: any[]) => void) => unknown} on
 * @property {(event: string, ...values: any[]) => unknown} emit
 * @property {() => unknown} disconnect
 *
 * @typedef {(address: string, options: object) => Socket} Io The `io` of socket.io-client.
 *
 * @typedef {object} Options
 * @property {string} [base] The address of Sunbeon's front door; this site if left out.
 * @property {string | (() => string | Promise<string>)} [token] The member's access token. Without one, the
 *   browser's cookies say who it is, which works on Sunbeon's own site only.
 * @property {Io | Promise<Io>} [io] socket.io-client; without it, or where it cannot connect, the line is polled.
 * @property {typeof globalThis.fetch} [fetch]
 * @property {(waitingPage: string) => void} [toTheLine] Called when a shop wants a booking token; goes to the
 *   waiting page, which leads back, if left out.
 */

/** Milliseconds until a request is given up. */
const PATIENCE = 10_000;
/** Places from the front from which every poll asks for the member's own standing. */
const NEAR = 50;
/** Milliseconds between two polls of who is not in line. */
const ONLOOKER = 15_000;
/** Milliseconds between two polls beside a socket that works, should it be mistaken. */
const BESIDE_SOCKET = 60_000;
/** The longest pause after failures, and of a page that is not shown, in milliseconds. */
const LONGEST = 30_000;
/** The shortest pause between two polls, unless there is a reason to ask at once, in milliseconds. */
const SHORTEST = 500;
/** The longest pause that a server can ask for, in milliseconds; a browser's timers end at 2³¹. */
const AT_MOST = 600_000;
/** Failures in a row after which somebody should be told. */
const LOST = 3;

/**
 * A failure of a request: its `code` is one of docs/errors.md, `OFFLINE` if there was no answer, or `UNKNOWN` if the
 * answer is none of Sunbeon's.
 */
export class SunbeonError extends Error {
  /**
   * @param {string} code
   * @param {number} status
   * @param {string} message
   * @param {any} [data]
   * @param {number} [retryAfterMs]
   */
  constructor(code, status, message, data, retryAfterMs) {
    super(message);
    this.name = 'SunbeonError';
    this.code = code;
    this.status = status;
    this.data = data;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Returns a standing as a newer snapshot of the line shows it: whoever was taken off the front since stands no
 * longer ahead. `undefined` if the member may have been called, so that only their own standing can tell.
 *
 * @param {Standing} standing of a member who waits
 * @param {Line} line
 * @returns {Standing | undefined}
 */
export function advanced(standing, line) {
  const { entryNumber = 0, queueNumber = 1, taken = line.taken } = standing;
  if (line.front === undefined || entryNumber < line.front) return undefined;
  const number = Math.max(1, queueNumber - Math.max(0, line.taken - taken));
  return {
    ...standing,
    queueNumber: number,
    taken: Math.max(taken, line.taken),
    totalWaitingCount: Math.max(number, line.totalWaitingCount),
    notice: line.notice,
    soldOut: line.soldOut,
    stock: line.stock,
  };
}

/** The client of a shop's page. */
export class Sunbeon {
  #base;
  #token;
  #io;
  #fetch;
  #toTheLine;
  /** The server's clock less this machine's, in milliseconds. */
  #ahead = 0;
  /** @type {Map<string, string>} */
  #passes = new Map();
  /** @type {Map<string, BookingToken>} */
  #tokens = new Map();

  /** @param {Options} [options] */
  constructor(options = {}) {
    this.#base = (options.base ?? '').replace(/\/$/, '');
    this.#token = options.token;
    // Without it there are polls.
    this.#io = Promise.resolve(options.io).catch(() => undefined);
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.#toTheLine = options.toTheLine ?? toTheLine;
  }

  /** The server's time, in milliseconds since the epoch, good to a second. */
  now() {
    return Date.now() + this.#ahead;
  }

  /**
   * Sets the clock by a time that the server told.
   * @param {string | number | Date} told
   */
  setClock(told) {
    const then = new Date(told).getTime();
    if (Number.isFinite(then)) this.#ahead = then - Date.now();
  }

  /**
   * Joins the line, or returns the place that the member has.
   * @param {string} concertId
   * @returns {Promise<Standing>}
   */
  async join(concertId) {
    try {
      return this.#keep(await this.#ask('POST', '/v2/waiting-room/enter', concertId, { concertId }));
    } catch (error) {
      const known = error instanceof SunbeonError && error.code === 'ALREADY_IN_QUEUE' && error.data;
      if (!isObject(known)) throw error;
      return this.#keep(known);
    }
  }

  /**
   * Becomes a guest, where the concert lets guests line up, and stays one by a cookie for a day: on the same site it
   * may be repeated. Returns the access token for pages on another site, where each call makes a new guest.
   * @param {string} concertId
   * @returns {Promise<{memberId: string, token: string, expiresAt: string}>}
   */
  guest(concertId) {
    return this.#ask('POST', '/v2/waiting-room/guest', concertId, { concertId });
  }

  /**
   * Returns the member's standing, which also keeps the place.
   * @param {string} concertId
   * @returns {Promise<Standing>}
   */
  async status(concertId) {
    return this.#keep(await this.#ask('GET', `/v2/waiting-room/status/${concertId}`, concertId));
  }

  /**
   * Returns the line, as everybody may see it.
   * @param {string} concertId
   * @returns {Promise<Line>}
   */
  line(concertId) {
    return this.#ask('GET', `/v2/waiting-room/snapshot/${concertId}`);
  }

  /**
   * Fetches the booking token of a member whose turn it is, and keeps it for {@link Sunbeon.fetch}. Repeating it
   * returns the same one.
   * @param {string} concertId
   * @returns {Promise<BookingToken>}
   */
  async claim(concertId) {
    const token = await this.#ask('GET', `/v2/reservation/token/${concertId}`);
    this.#tokens.set(concertId, token);
    return token;
  }

  /**
   * Leaves the line, or ends the session.
   * @param {string} concertId
   * @returns {Promise<void>}
   */
  async leave(concertId) {
    await this.#ask('POST', `/v2/waiting-room/exit/${concertId}`, concertId, {});
    this.#tokens.delete(concertId);
    this.#passes.delete(concertId);
  }

  /**
   * Watches a place: by a socket if there is one, else by polls that cost the server little.
   * @param {string} concertId
   * @param {Watcher} watcher
   * @param {Known} [known]
   * @returns {Watch}
   */
  watch(concertId, watcher, known = {}) {
    if (known.standing) this.#keep(known.standing);
    return new Watch(this, concertId, watcher, known, () => this.#socket());
  }

  /**
   * Asks a shop for something that only admitted members get: adds the access token and the booking token. If the
   * shop wants a (newer) booking token, the visitor goes to the line, and back when it is their turn.
   * @param {string} concertId
   * @param {RequestInfo | URL} input
   * @param {RequestInit} [init]
   * @returns {Promise<Response>}
   */
  async fetch(concertId, input, init = {}) {
    const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined));
    const access = await this.#access();
    if (access && !headers.has('Authorization')) authorize(headers, access);
    const booking = this.#tokens.get(concertId);
    if (booking) headers.set('X-Queue-Token', booking.token);
    const response = await this.#fetch(input, { ...init, headers });
    if (response.status === 403) {
      const failure = await response.clone().json().catch(() => undefined);
      if (failure?.code === 'QUEUE_TOKEN_REQUIRED') {
        this.#tokens.delete(concertId);
        this.#toTheLine(failure.data?.waitingPage ?? `${this.#base}/waiting-room/${concertId}`);
      }
    }
    return response;
  }

  async #access() {
    return typeof this.#token === 'function' ? this.#token() : this.#token;
  }

  /** @param {Standing} standing */
  #keep(standing) {
    if (standing.pass) this.#passes.set(standing.concertId, standing.pass);
    return standing;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {string} [concertId] whose pass goes with the request
   * @param {object} [body]
   * @returns {Promise<any>}
   */
  async #ask(method, path, concertId, body) {
    const headers = new Headers();
    const access = await this.#access().catch((error) => {
      throw new SunbeonError('OFFLINE', 0, String(error));
    });
    const pass = concertId && this.#passes.get(concertId);
    if (access) authorize(headers, access);
    if (pass) headers.set('X-Queue-Pass', pass);
    if (body) headers.set('Content-Type', 'application/json');
    /** @type {Response} */
    let response;
    try {
      response = await this.#fetch(this.#base + path, {
        method,
        headers,
        body: body && JSON.stringify(body),
        credentials: access ? 'omit' : 'same-origin',
        signal: AbortSignal.timeout(PATIENCE),
      });
    } catch (error) {
      throw new SunbeonError('OFFLINE', 0, String(error));
    }
    // A cached answer's date is an old one.
    const date = response.headers.get('Age') === null && response.headers.get('Date');
    if (date && concertId) this.setClock(new Date(date).getTime() + 500);
    const told = await response.json().catch(() => undefined);
    const answer = isObject(told) ? told : {};
    if (response.ok && isObject(answer.data)) return answer.data;
    const wait = Number(response.headers.get('Retry-After'));
    throw new SunbeonError(
      typeof answer.code === 'string' ? answer.code : 'UNKNOWN',
      response.status,
      typeof answer.message === 'string' ? answer.message : response.statusText,
      answer.data,
      wait > 0 ? wait * 1000 : undefined,
    );
  }

  /** @returns {Promise<Socket | undefined>} */
  async #socket() {
    const io = await this.#io;
    if (!io) return undefined;
    const token = await this.#access();
    const origin = new URL(this.#base || '/', globalThis.location?.href).origin;
    return io(origin, {
      forceNew: true,
      withCredentials: !token,
      auth: token ? (/** @type {(auth: object) => void} */ give) => this.#access().then((token) => give({ token }), () => give({})) : {},
      reconnectionDelayMax: LONGEST,
      timeout: PATIENCE,
    });
  }
}

/** A watch over one place. */
export class Watch {
  #client;
  #concert;
  #watcher;
  /** @type {Standing | undefined} */
  #standing;
  /** @type {Line | undefined} */
  #line;
  #member;
  /** @type {Link | undefined} */
  #link;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #polling = false;
  #again = false;
  #stopped = false;
  #failures = 0;
  /** When the member was last seen by the server, in milliseconds of this machine's clock. */
  #seen = 0;
  /** @type {Socket | undefined} */
  #socket;
  #joined = false;

  /**
   * @param {Sunbeon} client
   * @param {string} concertId
   * @param {Watcher} watcher
   * @param {Known} known
   * @param {() => Promise<Socket | undefined>} connect
   */
  constructor(client, concertId, watcher, known, connect) {
    this.#client = client;
    this.#concert = concertId;
    this.#watcher = watcher;
    this.#standing = known.standing;
    this.#line = known.line;
    this.#member = known.member ?? true;
    if (known.standing) this.#seen = Date.now();
    globalThis.addEventListener?.('online', this.#refresh);
    globalThis.addEventListener?.('offline', this.#refresh);
    globalThis.addEventListener?.('pageshow', this.#refresh);
    globalThis.document?.addEventListener('visibilitychange', this.#shown);
    if (known.line) this.#later(this.#pause());
    else this.refresh();
    // A socket is a member's. Without one the watch polls.
    if (this.#member) connect().then((socket) => this.#listen(socket), () => {});
  }

  /** Asks at once. */
  refresh() {
    if (this.#stopped) return;
    if (this.#polling) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    void this.#poll();
  }

  /** Ends the watch. The place is kept for as long as its concert keeps the places of the unseen. */
  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    globalThis.removeEventListener?.('online', this.#refresh);
    globalThis.removeEventListener?.('offline', this.#refresh);
    globalThis.removeEventListener?.('pageshow', this.#refresh);
    globalThis.document?.removeEventListener('visibilitychange', this.#shown);
    this.#socket?.disconnect();
  }

  #refresh = () => this.refresh();

  #shown = () => {
    if (globalThis.document.visibilityState === 'visible' && !this.#joined) this.refresh();
  };

  /** @param {number} ms of whatever the server says, also if that is no pause */
  #later(ms) {
    clearTimeout(this.#timer);
    const pause = Math.min(AT_MOST, Math.max(SHORTEST, Number(ms) || 0));
    // Spread, so that a crowd that came together does not ask together for ever.
    if (!this.#stopped) this.#timer = setTimeout(this.#refresh, pause * (0.9 + Math.random() / 5));
  }

  async #poll() {
    if (globalThis.navigator?.onLine === false) {
      this.#tell('offline');
      return this.#later(LONGEST);
    }
    this.#polling = true;
    this.#again = false;
    let pause = 0;
    try {
      await this.#look();
      this.#failures = 0;
      this.#tell(this.#joined ? 'live' : 'polling');
    } catch (error) {
      pause = this.#failed(error);
    }
    this.#polling = false;
    if (this.#again) this.refresh();
    else this.#later(Math.max(pause, this.#pause()));
  }

  /** Looks at the line, and at the own standing where the line does not tell it. */
  async #look() {
    const line = await this.#client.line(this.#concert);
    if (this.#stopped) return;
    const asks = this.#hearLine(line) || this.#isDue();
    if (!asks || !this.#member || this.#stopped) return;
    const standing = await this.#client.status(this.#concert);
    this.#seen = Date.now();
    this.#hear(standing);
  }

  /** Whether the server should see the member again, or tell more than the line does. */
  #isDue() {
    const standing = this.#standing;
    if (!standing) return true;
    if (standing.status !== 'WAITING') return standing.status !== 'BOOKING_CLOSED';
    const near = (standing.queueNumber ?? 0) <= NEAR;
    return near || Date.now() - this.#seen >= this.#signOfLife();
  }

  /** Milliseconds after which a member who waits should be seen again. */
  #signOfLife() {
    return Math.min(LONGEST, ((this.#line?.waitingTtlSeconds ?? 90) * 1000) / 3);
  }

  /** @returns {number} milliseconds until the next poll */
  #pause() {
    if (this.#joined) return BESIDE_SOCKET;
    const standing = this.#standing;
    const waits = standing?.status === 'WAITING';
    if (!waits) return standing?.status === 'READY' ? 5000 : ONLOOKER;
    const pause = standing.pollAfterMs ?? 5000;
    const hidden = globalThis.document?.visibilityState === 'hidden';
    const near = (standing.queueNumber ?? 0) <= NEAR;
    return hidden && !near ? Math.max(pause, this.#signOfLife() / 2) : pause;
  }

  /**
   * @param {unknown} error
   * @returns {number} the least pause, in milliseconds
   */
  #failed(error) {
    if (!(error instanceof SunbeonError)) {
      // Whoever watches has failed; the watch goes on.
      globalThis.reportError?.(error);
      return LONGEST / 6;
    }
    if (error.status === 401) {
      this.#tell('signed-out');
      return LONGEST;
    }
    if (error.code === 'CONCERT_NOT_FOUND') {
      this.#tell('gone');
      return LONGEST;
    }
    this.#failures += 1;
    this.#tell(this.#failures < LOST ? 'retrying' : 'lost');
    const back = Math.min(LONGEST, 1000 * 2 ** this.#failures);
    return Math.max(back, error.retryAfterMs ?? 0);
  }

  /** @param {Link} link */
  #tell(link) {
    if (this.#stopped || link === this.#link) return;
    this.#link = link;
    this.#watcher.link?.(link);
  }

  /** @param {Standing} standing */
  #hear(standing) {
    if (this.#stopped) return;
    const before = this.#standing;
    const told = before?.status === 'WAITING' && before.entryNumber === standing.entryNumber && before.queueNumber;
    if (told && standing.queueNumber && told < standing.queueNumber) {
      // What was told before came from a newer line: who was taken by then is not taken from it twice.
      standing.queueNumber = told;
      standing.taken = Math.max(standing.taken ?? 0, before.taken ?? 0);
    }
    this.#standing = standing;
    this.#watcher.standing?.(standing);
  }

  /**
   * @param {Line} line
   * @returns {boolean} whether the member may have been called
   */
  #hearLine(line) {
    if (this.#stopped) return false;
    const waits = this.#standing?.status === 'WAITING';
    this.#line = line;
    this.#watcher.line?.(line);
    if (!waits || !this.#standing) return false;
    const now = advanced(this.#standing, line);
    if (now) this.#hear(now);
    return !now;
  }

  /** @param {Socket | undefined} socket */
  #listen(socket) {
    if (!socket) return;
    if (this.#stopped) return void socket.disconnect();
    this.#socket = socket;
    const concertId = this.#concert;
    socket.on('connect', () => {
      socket.emit('join:queue', { concertId }, (/** @type {any} */ answer) => this.#join(answer));
    });
    socket.on('disconnect', () => {
      if (!this.#joined) return;
      this.#joined = false;
      // Not all at once after an instance has gone.
      this.#later(SHORTEST + 1500 * Math.random());
    });
    /** @param {any} told */
    const heard = (told) => {
      if (told?.concertId !== concertId || !told.standing) return;
      this.#seen = Date.now();
      this.#hear(told.standing);
    };
    socket.on('queue:position', heard);
    socket.on('queue:admitted', heard);
    socket.on('session:restored', (/** @type {any} */ restored) => restored?.concerts?.forEach(heard));
    socket.on('queue:line', (/** @type {any} */ line) => {
      if (line?.concertId !== concertId) return;
      // The member's own message should come at once; if it does not, they ask.
      if (this.#hearLine(line) && this.#joined) this.#later(2000);
    });
  }

  /** @param {any} answer */
  #join(answer) {
    if (this.#stopped || !answer?.ok) return;
    this.#joined = true;
    this.#failures = 0;
    this.#seen = Date.now();
    this.#tell('live');
    if (answer.line) this.#hearLine(answer.line);
    if (answer.standing) this.#hear(answer.standing);
    this.#later(this.#pause());
  }
}

/**
 * @param {any} value
 * @returns {boolean} whether it has fields
 */
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Adds an access token to the headers of a request.
 * @param {Headers} headers
 * @param {string} access
 */
function authorize(headers, access) {
  try {
    headers.set('Authorization', `Bearer ${access}`);
  } catch {
    throw new SunbeonError('UNAUTHENTICATED', 401, 'No header can carry this access token.');
  }
}

/** @param {string} waitingPage */
function toTheLine(waitingPage) {
  const page = new URL(waitingPage, location.href);
  page.searchParams.set('target', location.href);
  location.assign(page);
}
