import { createSocket, type RemoteInfo } from 'node:dgram'
import { once } from 'node:events'
import { type RawData, WebSocket } from 'ws'
import { say } from '../../node/commands/print.ts'
import { cannotListen, type ForwardRule, HIGH_WATER_BYTES, type Listener, type Way } from './forward-listener.ts'

/** A sender without a datagram either way for this long is forgotten, in ms. */
const IDLE_MS = 60_000
/** Senders at a time, each with a tunnel of its own; below what one container takes. The one idle longest gives way. */
const MAX_SENDERS = 200
/** Datagrams of one sender that wait for its tunnel to open; more are lost. */
const MAX_WAITING = 64
/** How long a sender is not heard whose tunnel could not be opened, in ms. */
const RETRY_MS = 1_000

interface Sender {
  tunnel: WebSocket
  waiting: Buffer[]
  idle: NodeJS.Timeout
}

/** Listens for datagrams here; each sender has a tunnel to the job's port, and hears what is answered to it alone. */
export async function listenUdp(rule: ForwardRule, { open, isOpen }: Way): Promise<Listener> {
  const socket = createSocket(rule.host.includes(':') ? 'udp6' : 'udp4')
  /** The one idle longest first. */
  const senders = new Map<string, Sender>()

  function begin(name: string, { address, port }: RemoteInfo): Sender {
    const tunnel = open()
    const sender: Sender = { tunnel, waiting: [], idle: setTimeout(() => forget(name, sender), IDLE_MS) }
    let pauseMs = RETRY_MS
    tunnel.once('open', () => {
      pauseMs = 0
      for (const datagram of sender.waiting.splice(0)) tunnel.send(datagram)
    })
    tunnel.on('message', (data: RawData, isBinary: boolean) => {
      if (!isBinary || senders.get(name) !== sender) return
      sender.idle.refresh()
      socket.send(data as Buffer, port, address, () => undefined) // what no network carries is lost
    })
    tunnel.on('error', (error) => {
      if (senders.get(name) === sender) say(`a flow failed: ${error.message}`)
    })
    tunnel.once('close', () => {
      // What never opened stays in its place for a moment, so that not every datagram asks again.
      setTimeout(() => forget(name, sender), pauseMs).unref()
    })
    return sender
  }

  function forget(name: string, { tunnel, idle }: Sender): void {
    if (senders.get(name)?.tunnel === tunnel) senders.delete(name)
    clearTimeout(idle)
    tunnel.terminate()
  }

  socket.on('message', (datagram, from) => {
    if (!isOpen()) return
    const name = `${from.address} ${from.port}`
    const sender = senders.get(name) ?? begin(name, from)
    senders.delete(name)
    senders.set(name, sender)
    const [[oldest, idlest] = [name, sender]] = senders
    if (senders.size > MAX_SENDERS) forget(oldest, idlest)
    const { tunnel, waiting, idle } = sender
    idle.refresh()
    if (tunnel.readyState === WebSocket.CONNECTING && waiting.length < MAX_WAITING) waiting.push(datagram)
    else if (tunnel.readyState === WebSocket.OPEN && tunnel.bufferedAmount < HIGH_WATER_BYTES) tunnel.send(datagram)
  })
  socket.bind(rule.localPort, rule.host)
  await once(socket, 'listening').catch((error: NodeJS.ErrnoException) => {
    throw cannotListen(rule, error)
  })
  return {
    rule,
    localPort: socket.address().port,
    async close() {
      for (const [name, sender] of senders) forget(name, sender)
      await new Promise<void>((resolve) => socket.close(resolve))
    },
  }
}
