// @ts-check
/** What others take and give back, as soon as it happens. */

/** Between two reads of the map, in milliseconds: without a socket, and with one. */
const PAUSES = { alone: 3_000, told: 15_000 };
/** A map that is read may be a second old, and show what changed before the socket was there. In milliseconds. */
const SETTLED = 1_500;

/** @typedef {{taken: (seatIds: string[]) => void, freed: (seatIds: string[]) => void, moved: () => void}} Heard */

/** Follows a concert: by a socket, and by reading the map again, which settles what the socket may have missed. */
export class Live {
  /**
   * @param {string} concertId
   * @param {Heard} heard
   * @param {() => Promise<boolean>} read reads the map again, and says whether that worked
   * @param {(how: 'live' | 'not_live' | 'offline') => void} tell
   */
  constructor(concertId, heard, read, tell) {
    this.concertId = concertId;
    this.heard = heard;
    this.read = read;
    this.tell = tell;
    this.joined = false;
    this.stopped = false;
    /** From when on a map that is read is no older than the socket. */
    this.settled = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.shown = () => { if (!document.hidden) this.now(); };
    document.addEventListener('visibilitychange', this.shown);
    addEventListener('online', this.shown);
    addEventListener('offline', () => this.say(false));
  }

  async start() {
    this.plan();
    try {
      const { io } = await import('./socket.io.js');
      if (this.stopped) return;
      this.connect(io('/', {}));
    } catch {
      // Without the client, the map is read every few seconds.
    }
  }

  /** @param {any} socket */
  connect(socket) {
    this.socket = socket;
    socket.on('connect', async () => {
      const joined = await socket.timeout(5_000).emitWithAck('join:event', this.concertId).catch(() => null);
      this.joined = joined?.ok === true;
      this.settled = Date.now() + SETTLED;
      await this.now();
    });
    socket.on('disconnect', () => { this.joined = false; this.now(); });
    const ours = (/** @type {(said: any) => void} */ then) => (/** @type {any} */ said) => {
      const id = said?.concertId ?? said?.eventId;
      if (id === undefined || id === this.concertId) then(said);
    };
    socket.on('session:restored', () => this.now());
    socket.on('seat:selected', ours((said) => this.heard.taken(said.seatIds ?? [])));
    socket.on('seat:released', ours((said) => this.heard.freed(said.seatIds ?? [])));
    socket.on('ticket:updated', ours(() => this.heard.moved()));
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    document.removeEventListener('visibilitychange', this.shown);
    removeEventListener('online', this.shown);
    this.socket?.close();
  }

  /** Reads now, and then again and again. */
  async now() {
    clearTimeout(this.timer);
    if (this.stopped) return;
    const worked = await this.read();
    this.say(worked);
    this.plan();
  }

  /** @param {boolean} worked */
  say(worked) {
    if (this.stopped) return;
    this.tell(!navigator.onLine ? 'offline' : worked && this.joined ? 'live' : 'not_live');
  }

  plan() {
    clearTimeout(this.timer);
    if (this.stopped) return;
    // A page that nobody looks at reads again when it is shown.
    if (document.hidden) return;
    const pause = !this.joined ? PAUSES.alone : Date.now() < this.settled ? SETTLED : PAUSES.told;
    this.timer = setTimeout(() => this.now(), pause);
  }
}
