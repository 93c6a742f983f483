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
export type Status = 'WAITING' | 'READY' | 'ENTERED' | 'NOT_IN_QUEUE' | 'BOOKING_CLOSED';
export type Tier = {
    name: string;
    price?: number;
    left: number;
};
export type Stock = {
    tiers: Tier[];
    reportedAt: string;
};
export type Standing = {
    concertId: string;
    concertTitle: string;
    status: Status;
    canEnter: boolean;
    entryNumber?: number;
    queueNumber?: number;
    totalWaitingCount?: number;
    estimatedWaitSeconds?: number;
    estimatedEnterAt?: string;
    estimateReason?: 'paused' | 'slotsFull' | 'changed' | 'slowed';
    longWait?: boolean;
    pollAfterMs?: number;
    taken?: number;
    pass?: string;
    expiresAt?: string;
    notice?: string;
    soldOut?: boolean;
    stock?: Stock;
};
export type Line = {
    concertId: string;
    concertTitle: string;
    mode: 'queue' | 'threshold' | 'off';
    identity: 'member' | 'guest';
    state: 'early' | 'before' | 'open' | 'paused' | 'ended' | 'closed';
    timeZone: string;
    /**
     * When one can line up, if not from the beginning.
     */
    opensAt?: string;
    bookingStartAt?: string;
    bookingEndAt?: string;
    groupSize: number;
    entryIntervalSeconds: number;
    autoOpen: boolean;
    waitingTtlSeconds?: number;
    front?: number;
    taken: number;
    totalWaitingCount: number;
    /**
     * Whether nobody can join at the moment.
     */
    full?: boolean;
    pace: {
        one: number;
        five: number;
        fifteen: number;
        sinceAt?: string;
    };
    notice?: string;
    soldOut?: boolean;
    stock?: Stock;
    at: string;
};
export type BookingToken = {
    token: string;
    expiresAt: string;
};
export type Link = 'live' | 'polling' | 'retrying' | 'lost' | 'offline' | 'signed-out' | 'gone';
export type Watcher = {
    /**
     * The member's standing, whenever it changed.
     */
    standing?: (standing: Standing) => void;
    /**
     * The line, whenever it changed.
     */
    line?: (line: Line) => void;
    /**
     * The state of the watch itself.
     */
    link?: (link: Link) => void;
};
export type Known = {
    standing?: Standing;
    line?: Line;
    /**
     * `false` watches the line only, for nobody in particular.
     */
    member?: boolean;
};
export type Socket = {
    on: (event: string, listener: (...values: any[]) => void) => unknown;
    emit: (event: string, ...values: any[]) => unknown;
    disconnect: () => unknown;
};
export type Io = (address: string, options: object) => Socket;
export type Options = {
    /**
     * The address of Sunbeon's front door; this site if left out.
     */
    base?: string;
    /**
     * The member's access token. Without one, the
     * browser's cookies say who it is, which works on Sunbeon's own site only.
     */
    token?: string | (() => string | Promise<string>);
    /**
     * socket.io-client; without it, or where it cannot connect, the line is polled.
     */
    io?: Io | Promise<Io>;
    fetch?: typeof globalThis.fetch;
    /**
     * Called when a shop wants a booking token; goes to the
     * waiting page, which leads back, if left out.
     */
    toTheLine?: (waitingPage: string) => void;
};
/**
 * A failure of a request: its `code` is one of docs/errors.md, `OFFLINE` if there was no answer, or `UNKNOWN` if the
 * answer is none of Sunbeon's.
 */
export declare class SunbeonError extends Error {
    code: string;
    status: number;
    data: any;
    retryAfterMs: number | undefined;
    /**
     * @param {string} code
     * @param {number} status
     * @param {string} message
     * @param {any} [data]
     * @param {number} [retryAfterMs]
     */
    constructor(code: string, status: number, message: string, data?: any, retryAfterMs?: number);
}
/**
 * Returns a standing as a newer snapshot of the line shows it: whoever was taken off the front since stands no
 * longer ahead. `undefined` if the member may have been called, so that only their own standing can tell.
 *
 * @param {Standing} standing of a member who waits
 * @param {Line} line
 * @returns {Standing | undefined}
 */
export declare function advanced(standing: Standing, line: Line): Standing | undefined;
/** The client of a shop's page. */
export declare class Sunbeon {
    #private;
    /** @param {Options} [options] */
    constructor(options?: Options);
    /** The server's time, in milliseconds since the epoch, good to a second. */
    now(): number;
    /**
     * Sets the clock by a time that the server told.
     * @param {string | number | Date} told
     */
    setClock(told: string | number | Date): void;
    /**
     * Joins the line, or returns the place that the member has.
     * @param {string} concertId
     * @returns {Promise<Standing>}
     */
    join(concertId: string): Promise<Standing>;
    /**
     * Becomes a guest, where the concert lets guests line up, and stays one by a cookie for a day: on the same site it
     * may be repeated. Returns the access token for pages on another site, where each call makes a new guest.
     * @param {string} concertId
     * @returns {Promise<{memberId: string, token: string, expiresAt: string}>}
     */
    guest(concertId: string): Promise<{
        memberId: string;
        token: string;
        expiresAt: string;
    }>;
    /**
     * Returns the member's standing, which also keeps the place.
     * @param {string} concertId
     * @returns {Promise<Standing>}
     */
    status(concertId: string): Promise<Standing>;
    /**
     * Returns the line, as everybody may see it.
     * @param {string} concertId
     * @returns {Promise<Line>}
     */
    line(concertId: string): Promise<Line>;
    /**
     * Fetches the booking token of a member whose turn it is, and keeps it for {@link Sunbeon.fetch}. Repeating it
     * returns the same one.
     * @param {string} concertId
     * @returns {Promise<BookingToken>}
     */
    claim(concertId: string): Promise<BookingToken>;
    /**
     * Leaves the line, or ends the session.
     * @param {string} concertId
     * @returns {Promise<void>}
     */
    leave(concertId: string): Promise<void>;
    /**
     * Watches a place: by a socket if there is one, else by polls that cost the server little.
     * @param {string} concertId
     * @param {Watcher} watcher
     * @param {Known} [known]
     * @returns {Watch}
     */
    watch(concertId: string, watcher: Watcher, known?: Known): Watch;
    /**
     * Asks a shop for something that only admitted members get: adds the access token and the booking token. If the
     * shop wants a (newer) booking token, the visitor goes to the line, and back when it is their turn.
     * @param {string} concertId
     * @param {RequestInfo | URL} input
     * @param {RequestInit} [init]
     * @returns {Promise<Response>}
     */
    fetch(concertId: string, input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
}
/** A watch over one place. */
export declare class Watch {
    #private;
    /**
     * @param {Sunbeon} client
     * @param {string} concertId
     * @param {Watcher} watcher
     * @param {Known} known
     * @param {() => Promise<Socket | undefined>} connect
     */
    constructor(client: Sunbeon, concertId: string, watcher: Watcher, known: Known, connect: () => Promise<Socket | undefined>);
    /** Asks at once. */
    refresh(): void;
    /** Ends the watch. The place is kept for as long as its concert keeps the places of the unseen. */
    stop(): void;
}
