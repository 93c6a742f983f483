/** What is used of socket.io-client 4.8.4, which socket.io.js is. */
export function io(address: string, options: object): import('./sunbeon.js').Socket;
