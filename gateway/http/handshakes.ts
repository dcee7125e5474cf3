import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { HTTP2 } from './http2/index.ts'

/** What an authority says that it speaks: it looks at the certificate, and says nothing more (RFC 8737). */
export const ACME_TLS = 'acme-tls/1'

/** What clients may choose from; the first that they know. */
export const PROTOCOLS = [HTTP2, 'http/1.1']

/** Connections on which TLS is being agreed on; see {@link createHandshakes}. */
export interface Handshakes {
  /** To be called before anything is read of it. */
  begin(socket: Socket): void
}

/**
 * Follows connections of a server through their handshakes. Node does not say publicly what is below a connection of TLS:
 * it is found again by its two ends, which no two have at a time.
 * @param serve what the server does with a connection whose handshake is done
 * @param replace called before that; false where the one below is gone
 */
export function createHandshakes(
  server: Server,
  serve: (socket: TLSSocket) => void,
  replace: (below: Socket, secured: Socket) => boolean,
): Handshakes {
  const shaking = new Map<string, Socket>()
  server.on('secureConnection', (secured: TLSSocket) => {
    const below = shaking.get(endsOf(secured))
    const isServed = below !== undefined && replace(below, secured)
    if (isServed && secured.alpnProtocol !== ACME_TLS) serve(secured)
    else secured.destroy()
  })
  return {
    begin(socket) {
      const ends = endsOf(socket)
      shaking.set(ends, socket)
      socket.once('close', () => shaking.delete(ends))
    },
  }
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return [remoteAddress, remotePort, localAddress, localPort].join(' ')
}
