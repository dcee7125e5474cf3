/** The other end of `peer-process.ts`. */

import { generateKeyPair } from '@libp2p/crypto/keys'
import { silentLogger } from '../../../node/logger.ts'
import type { NetworkCounters } from '../../../node/network/index.ts'
import { createLibp2pNetwork } from '../../../node/network/libp2p-network.ts'
import type { Libp2pNetworkInit } from '../../../node/network/network-init.ts'
import { requestBytes } from '../../support/requests.ts'

export interface PeerState {
  id: string
  addresses: string[]
  peers: string[]
  counters: NetworkCounters
  /** How many requests of others it heard. */
  heard: number
}

export type Question =
  | { do: 'reach'; peer: string; addresses: string[]; timeoutMs: number }
  | { do: 'publish'; id: number }

export type Saying = { state: PeerState } | { number: number; error: string | null }

const ECHO = '/test/echo/1.0.0'
const TELL_MS = 100

const init = JSON.parse(process.argv[2] ?? '{}') as Partial<Libp2pNetworkInit>
const privateKey = await generateKeyPair('Ed25519')
const network = createLibp2pNetwork({ privateKey, logger: silentLogger }, { network: 'test', ...init })
let heard = 0
network.subscribe('requests', {
  validate: () => 'accept',
  deliver() {
    heard += 1
  },
})
network.handle(ECHO, async (channel) => {
  for (;;) {
    const message = await channel.receive()
    if (message === null) return await channel.close()
    await channel.send(message)
  }
})

async function answer(question: Question): Promise<void> {
  if (question.do === 'publish') return await network.publish('requests', requestBytes(question.id))
  const { peer, addresses, timeoutMs } = question
  const channel = await network.open(peer, ECHO, { addresses, timeoutMs, maxMessageBytes: 64 })
  await channel.send(Uint8Array.of(7))
  const word = await channel.receive({ signal: AbortSignal.timeout(timeoutMs) })
  await channel.close()
  if (word?.[0] !== 7) throw new Error('Another word came back')
}

function say(saying: Saying): void {
  process.send?.(saying)
}

await network.start()
process.on('message', (question: Question & { number: number }) => {
  answer(question).then(
    () => say({ number: question.number, error: null }),
    (error: Error) => say({ number: question.number, error: `${error.message}: ${String(error.cause)}` }),
  )
})
process.on('disconnect', () => process.exit(0))
setInterval(() => {
  const { peerId: id } = network
  say({ state: { id, addresses: network.addresses(), peers: network.peers(), counters: network.counters(), heard } })
}, TELL_MS)
