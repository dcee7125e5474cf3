/** HTTP/2: streams that are connections to the server of HTTP/1.1 (docs/decisions/0097-http2.md). */
export { HTTP2, type Session, serveSession } from './session.ts'
export { StreamSocket } from './stream-socket.ts'
