import { setTimeout as delay } from 'node:timers/promises'
import type { ClientNode } from '../index.ts'
import { CliError } from './cli-error.ts'
import { isGiven, type PeerOptions } from './options.ts'
import { say } from './print.ts'

/** How long peers of the local network may take to answer, in ms. */
const MDNS_MS = 5_000

/** How long an address may say nothing, neither yes nor no, in ms: that of a busy machine may need some tries. */
const SILENT_MS = 30_000

const LOOK_MS = 50

/**
 * Waits until a node that is there for one command is connected with somebody: without that there is nobody to ask, and
 * why is known within seconds.
 *
 * @param troubles of its bootstrap addresses, as they come
 * @throws {CliError}
 */
export async function untilConnected(
  { network }: Pick<ClientNode, 'network'>,
  options: Pick<PeerOptions, 'bootstrap' | 'mdns' | 'network'>,
  troubles: readonly string[],
): Promise<void> {
  const { bootstrap, mdns } = options
  const startedMs = performance.now()
  while (network.peers().length === 0) {
    const waitedMs = performance.now() - startedMs
    const isKnown = troubles.length >= bootstrap.length && waitedMs >= (mdns ? MDNS_MS : 0)
    if (isKnown || waitedMs >= SILENT_MS) throw new CliError(nobody(options, troubles))
    await delay(LOOK_MS)
  }
  if (isGiven(bootstrap)) say(...troubles.map((line) => `cortex: ${line}`))
}

function nobody(
  { network, bootstrap, mdns }: Pick<PeerOptions, 'bootstrap' | 'mdns' | 'network'>,
  troubles: readonly string[],
): string {
  const where = mdns ? ' here or on the local network' : ''
  if (bootstrap.length === 0)
    return `Nobody of network ${network} is known${where}: give a peer to begin with by --bootstrap`
  const why = troubles.length > 0 ? troubles.join('; ') : `no answer from ${bootstrap.join(', ')}: check --bootstrap`
  return `Nobody of network ${network} is reached${where}: ${why}`
}
