/** What others tell of this machine: whether they are reached, how it looks to them, and what time it is. */

import { networkInterfaces } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { MAX_CLOCK_DIFFERENCE_MS } from '../../protocol/limits.ts'
import { systemClock } from '../clock.ts'
import { providersHeard } from '../commands/await-providers.ts'
import { isGiven, type PeerOptions, peerInit } from '../commands/options.ts'
import { createDirectory } from '../directory/directory.ts'
import type { ProviderView } from '../directory/index.ts'
import { silentLogger } from '../logger.ts'
import { createLibp2pNetwork } from '../network/libp2p-network.ts'
import { networkInit } from '../network/peer-init.ts'
import { isPublicAddress } from '../network/public-address.ts'
import { type Check, type Finding, fine, wrong } from './check.ts'

/** How long somebody of the local network is waited for, in ms. */
const WAIT_MS = 5_000
const LOOK_MS = 50

/** Clocks that are further apart are worth a word, in ms: what providers say of theirs is good to some seconds. */
const FEW_MS = 60_000
/** What a short look at the network saw. */
export interface Look {
  /** Ids of those that were reached. */
  peers: string[]
  /** Those that sell. */
  providers: ProviderView[]
  /** Multiaddrs under which others saw this machine. */
  seenAs: string[]
  /** Why bootstrap addresses were not reached. */
  troubles: string[]
}

/** Joins the network as a peer of no name for some seconds, and tells what it saw. It keeps nothing, and nothing of it stays. */
export function peersCheck(options: PeerOptions, part: { isPublic: boolean; isRequired: boolean }): Check {
  return {
    name: 'peers',
    async run(signal) {
      const look = await lookAround(options, signal)
      return [peersFinding(look, options, part), ...reachFinding(look, options, part), ...clockFinding(look.providers)]
    },
  }
}

async function lookAround(options: PeerOptions, signal: AbortSignal): Promise<Look> {
  const troubles: string[] = []
  const seenAs = new Set<string>()
  const init = { ...peerInit(options), listen: [], announce: [], upnp: false }
  const network = createLibp2pNetwork(
    { privateKey: await generateKeyPair('Ed25519'), logger: silentLogger },
    {
      ...(await networkInit({ ...init, onTrouble: (line) => troubles.push(line) })),
      onSeenAs: (address) => seenAs.add(address),
    },
  )
  const directory = createDirectory(
    { network, clock: systemClock, logger: silentLogger },
    { networkName: options.network },
  )
  await network.start()
  try {
    await directory.start()
    const endMs = performance.now() + WAIT_MS
    while (network.peers().length === 0 && performance.now() < endMs && !signal.aborted) {
      if (troubles.length >= options.bootstrap.length && !options.mdns) break
      await delay(LOOK_MS)
    }
    if (network.peers().length > 0) await providersHeard(directory)
    return { peers: network.peers(), providers: [...directory.list()], seenAs: [...seenAs], troubles }
  } finally {
    await directory.stop()
    await network.stop()
  }
}

function peersFinding(
  { peers, providers, troubles }: Look,
  { bootstrap, network }: PeerOptions,
  part: { isRequired: boolean },
): Finding {
  const name = 'peers'
  // The default is a guess: a gateway on this machine.
  const wanted = isGiven(bootstrap) ? troubles : []
  const online = providers.filter(({ status }) => status !== 'offline').length
  if (peers.length > 0 && wanted.length === 0) {
    return fine(
      name,
      `${counted(peers.length, 'peer')} of network ${network} reached, ${counted(online, 'provider')} heard of`,
    )
  }
  if (peers.length > 0) return wrong(name, 'warn', wanted.join('; '))
  if (wanted.length > 0) return wrong(name, 'fail', wanted.join('; '))
  const found = `nobody of network ${network} is reached here or on the local network`
  const remedy = 'give a peer to begin with by --bootstrap'
  if (part.isRequired) return { check: name, state: 'fail', found, remedy }
  return { check: name, state: 'warn', found, remedy: `others may find it; else ${remedy}` }
}

/** How the machine looks from outside; nothing where nobody told. @param part.isPublic whether it is there to be reached */
export function reachFinding(
  { seenAs }: Pick<Look, 'seenAs'>,
  { announce = [], upnp }: Pick<PeerOptions, 'announce' | 'upnp'>,
  part: { isPublic: boolean; isRequired: boolean },
): Finding[] {
  const name = 'reach'
  const hosts = [...new Set(seenAs.flatMap((address) => /^\/ip[46]\/([^/]+)/.exec(address)?.[1] ?? []))]
  const [host] = hosts.filter(isPublicAddress)
  if (hosts.length === 0) return []
  if (host === undefined) {
    return [
      fine(name, `peers are in this machine’s own networks (seen as ${hosts.join(', ')}): nobody outside was asked`),
    ]
  }
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  if (own.some(({ address }) => address === host)) {
    return [fine(name, `others see it as ${host}, its own address: no router is between`)]
  }
  if (announce.length > 0) return [fine(name, `others see it as ${host}; it announces ${announce.join(', ')}`)]
  const found = `it is behind a router: others see it as ${host}`
  if (part.isRequired) return [fine(name, `${found}, which is enough to ask for jobs`)]
  const forward = 'forward its peer port there and give --announce, or give --upnp'
  if (part.isPublic) return [{ check: name, state: 'fail', found, remedy: forward }]
  const over = upnp === true ? 'the router is asked by --upnp' : 'it is reached over a relay, which costs speed'
  return [{ check: name, state: 'warn', found: `${found}; ${over}`, remedy: forward }]
}

/**
 * How far this clock is from those of providers, by when each says that it started and for how long it has run; the middle
 * one counts, so that one that is wrong does not. Nothing where there are none.
 */
export function clockFinding(providers: ProviderView[]): Finding[] {
  const name = 'clock'
  const ahead = providers
    .filter(({ status }) => status !== 'offline')
    .map(({ lastSeenMs, incarnation, uptimeSeconds }) => lastSeenMs - (incarnation + uptimeSeconds * 1000))
    .toSorted((a, b) => a - b)
  const middle = ahead[Math.floor(ahead.length / 2)]
  if (middle === undefined) return []
  const of = counted(ahead.length, 'provider')
  const off = Math.abs(middle)
  if (off <= FEW_MS) return [fine(name, `within a minute of ${of}`)]
  const found = `${span(off)} ${middle > 0 ? 'ahead of' : 'behind'} that of ${of}`
  const remedy = 'set this machine’s time, by NTP for example (timedatectl)'
  return [{ check: name, state: off > MAX_CLOCK_DIFFERENCE_MS ? 'fail' : 'warn', found, remedy }]
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

function span(ms: number): string {
  const minutes = Math.round(ms / 60_000)
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
