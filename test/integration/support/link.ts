import { once } from 'node:events'
import { type AddressInfo, createServer, Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import type { TestContext } from 'node:test'

/** A way to a port of this machine that can fail its users. */
export interface Link {
  /** Multiaddr, without a peer. */
  address: string
  /** Goes silent in both directions without closing. */
  silence(): void
}

/** @param broken how many connections, from the first on, end in the midst of their first words. @default 0 */
export async function createLink(test: TestContext, port: number, broken = 0): Promise<Link> {
  const sockets = new Set<Socket>()
  let count = 0
  const server = createServer((near) => {
    sockets.add(near)
    count += 1
    if (count <= broken) {
      near.on('error', () => undefined)
      near.once('data', () => near.end('/multistream'))
      return
    }
    const far = new Socket().connect(port, '127.0.0.1')
    sockets.add(far)
    pipeline(near, far, near).catch(() => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    address: `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}`,
    silence() {
      for (const socket of sockets) socket.unpipe().pause()
    },
  }
}

/** The port of a peer's first address. */
export function portOf(peer: { addresses(): string[] }): number {
  return Number(/tcp\/(\d+)/.exec(peer.addresses()[0] ?? '')?.[1])
}
