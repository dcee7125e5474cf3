/** Whether a part listens where it should, or could. */

import { once } from 'node:events'
import { connect } from 'node:net'
import { type Check, fine, wrong } from './check.ts'

/** An address to listen on, as a multiaddr of TCP says it. */
const LISTENED = /^\/ip[46]\/([^/]+)\/tcp\/(\d+)$/

/** How a port looks from this machine. */
export type PortState = 'answers' | 'refused' | 'silent'

/** Asks whether somebody listens there, and hangs up. */
export async function portState(host: string, port: number, signal: AbortSignal): Promise<PortState> {
  const socket = connect({ host: own(host), port, signal })
  try {
    await once(socket, 'connect')
    return 'answers'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? 'refused' : 'silent'
  } finally {
    socket.on('error', () => undefined).destroy()
  }
}

/**
 * Whether peers come in where a part listens, or would.
 *
 * @param listen multiaddrs; those without a port of their own cannot be looked at
 * @param pid of the part where it runs
 */
export function peerPortChecks(listen: readonly string[], pid: number | null): Check[] {
  return listen.flatMap((address) => {
    const [, host = '', text = ''] = LISTENED.exec(address) ?? []
    const port = Number(text)
    return port === 0 ? [] : [peerPortCheck(address, host, port, pid)]
  })
}

function peerPortCheck(address: string, host: string, port: number, pid: number | null): Check {
  const name = 'peer port'
  return {
    name,
    async run(signal) {
      const state = await portState(host, port, signal)
      if (pid !== null && state === 'answers') return fine(name, `peers are listened to on ${address}`)
      if (pid !== null) {
        const found = `process ${pid} runs, and nobody listens on ${address}`
        return wrong(name, 'fail', `${found}: start it anew with this --listen, or give the one that it was given`)
      }
      if (state !== 'answers') return fine(name, `${address} is free to be listened on`)
      return wrong(name, 'fail', `another program listens on ${address}: end it, or choose another port by --listen`)
    },
  }
}

/** Where one that listens everywhere is reached from here. */
function own(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}
