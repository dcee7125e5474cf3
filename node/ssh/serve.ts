import { randomInt } from 'node:crypto'
import type { Duplex } from 'node:stream'
import ssh2, { type Connection } from 'ssh2'
import type { Logger } from '../logger.ts'
import { ALGORITHMS } from './connection/algorithms.ts'
import { createCarrier } from './connection/carry.ts'
import { type Held, serveGuest } from './connection/guest.ts'
import { type Tamed, tame } from './connection/library.ts'
import { createSignIn } from './connection/sign-in.ts'
import { guardTransport } from './connection/transport.ts'
import { createWaitingRoom } from './connection/waiting.ts'
import type { HostKey } from './host-key.ts'
import {
  GRACE_MS,
  MAX_CONNECTIONS,
  MAX_STRANGERS,
  MAX_STRANGERS_BYTES,
  type ServeSftp,
  type SshDoor,
  type SshGuest,
  type SshServer,
  type SshTarget,
} from './index.ts'

/** What {@link createSshServer} is set up with. */
export interface SshServerInit<T extends SshTarget> {
  hostKey: Pick<HostKey, 'privateKey'>
  door: SshDoor<T>
  /** The subsystem `sftp`. @default refused */
  sftp?: ServeSftp<T>
}

/** A client that says nothing is asked whether it is there, once a minute; after ten it is given up: networks come back. */
const PATIENCE = { keepaliveInterval: 60_000, keepaliveCountMax: 10 }

/** Somebody who has yet to show a key. */
interface Stranger {
  address: string
  /** Whether SSH was heard of them. */
  hasSpoken: boolean
  leave(): void
}

/**
 * An SSH server that knows nothing of jobs but what a target does; see docs/decisions/0098-ssh.md. Nothing that a client
 * sends ends more than its own connection.
 */
export function createSshServer<T extends SshTarget>(
  { logger }: { logger: Logger },
  { hostKey, door, sftp }: SshServerInit<T>,
): SshServer {
  /** The oldest first. */
  const strangers = new Set<Stranger>()
  const guests = new Map<string, number>()
  const open = new Set<() => void>()
  const room = createWaitingRoom()
  const key = ssh2.utils.parseKey(hostKey.privateKey)
  if (key instanceof Error) throw key
  const config = { hostKeys: [{ key }], algorithms: ALGORITHMS, ident: 'cortex', ...PATIENCE }

  function makeRoom(address: string): void {
    const same = [...strangers].filter((one) => one.address === address)
    if (same.length >= MAX_STRANGERS.address) same[0]?.leave()
    if (strangers.size < MAX_STRANGERS.all) return
    // Not the oldest: whoever brings more connections than there is room for would have everybody else cut off.
    const silent = [...strangers].filter(({ hasSpoken }) => !hasSpoken)
    const from = silent.length > 0 ? silent : [...strangers]
    from[randomInt(from.length)]?.leave()
  }

  /** Whether there was room. */
  function count(name: string, by: 1 | -1): boolean {
    const now = guests.get(name) ?? 0
    const all = [...guests.values()].reduce((sum, one) => sum + one, 0)
    if (by > 0 && (now >= MAX_CONNECTIONS.guest || all >= MAX_CONNECTIONS.all)) return false
    if (now + by > 0) guests.set(name, now + by)
    else guests.delete(name)
    return true
  }

  function serve(raw: Duplex, address: string): void {
    makeRoom(address)
    const over = new AbortController()
    const channels = new Set<Held>()
    const waiting = (): number => [...channels].reduce((sum, one) => sum + one(), 0)
    const transport = guardTransport(raw, {
      ...{ room, waiting },
      onBytes(received) {
        if (strangers.has(stranger) && received > MAX_STRANGERS_BYTES) throw new Error('Too much before a key')
      },
    })
    const leave = (): void => void transport.stream.destroy()
    const stranger = { address, hasSpoken: false, leave }
    const grace = setTimeout(leave, GRACE_MS)
    strangers.add(stranger)
    open.add(leave)
    let release = (): void => undefined
    let wasRefused = false
    transport.stream.once('close', () => {
      clearTimeout(grace)
      if (strangers.delete(stranger) && wasRefused) door.failed(address)
      open.delete(leave)
      release()
      over.abort(new Error('The client is gone'))
    })

    function letIn(client: Connection, tamed: Tamed, guest: SshGuest<T>): boolean {
      if (!strangers.has(stranger) || !count(guest.name, 1)) return false
      strangers.delete(stranger)
      clearTimeout(grace)
      transport.belongTo(guest.name)
      const unwatch = guest.watch(() => {
        client.end()
        leave()
      })
      release = () => {
        unwatch()
        count(guest.name, -1)
      }
      const carrier = createCarrier(transport, tamed)
      serveGuest(client, { target: guest.target, carrier, sftp, signal: over.signal, logger }, channels)
      return true
    }

    const library = new ssh2.Server(config, (client) => {
      stranger.hasSpoken = true
      const tamed = tame(client, transport.stream)
      client.on('error', (error: Error) => {
        logger.debug({ address, error: error.message }, 'an SSH connection broke')
        leave()
      })
      client.on('end', leave)
      const onTooMany = (): void => {
        transport.stream.once('finish', leave)
        client.end()
      }
      const onRefused = (): void => {
        wasRefused = true
      }
      client.on(
        'authentication',
        createSignIn({ door, address }, { onGuest: (guest) => letIn(client, tamed, guest), onRefused, onTooMany }),
      )
    })
    library.injectSocket(transport.stream as never)
  }

  return {
    serve,
    stop() {
      for (const leave of [...open]) leave()
    },
  }
}
