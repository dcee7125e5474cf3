/** Bytes on streams of the market that no peer of ours would send, each from a peer of its own. */

import assert from 'node:assert/strict'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { encode } from 'it-length-prefixed'
import { createLibp2p } from 'libp2p'
import { Protocol } from '../../../protocol/topics.ts'
import { until } from '../../support/until.ts'
import type { AttackTarget, HostileInput } from '../support/inputs.ts'

const KIB = 1024
/** For all of one input, in ms. */
const PATIENCE_MS = 300_000

const framed = (bytes: Uint8Array): Uint8Array => encode.single(bytes, { maxDataLength: 64 * KIB * KIB }).subarray()
/** A field of a message that holds bytes. */
const field = (number: number, bytes: Uint8Array): Buffer => {
  const [length = 0, more = 0] = [bytes.length & 0x7f, bytes.length >> 7]
  return Buffer.concat([
    Buffer.of((number << 3) | 2),
    more > 0 ? Buffer.of(length | 0x80, more) : Buffer.of(length),
    bytes,
  ])
}
/** Messages within messages, as deep as said. */
const nested = (depth: number): Buffer => {
  let inner: Buffer = Buffer.alloc(0)
  for (let i = 0; i < depth; i += 1) inner = field(1, inner)
  return inner
}
/** Always the same, for the same seed. */
const noiseOf = (seed: number, bytes: number): Buffer =>
  Buffer.from(Array.from({ length: bytes }, (_, i) => (Math.imul(seed + i, 2_654_435_761) >>> 13) & 0xff))

const frames: [what: string, bytes: Uint8Array][] = [
  ['nothing', Buffer.alloc(0)],
  ['an empty message', framed(Buffer.alloc(0))],
  ['a length without end', Buffer.alloc(64, 0xff)],
  ['a message of 2 GiB that never comes', Buffer.of(0x80, 0x80, 0x80, 0x80, 0x08, 1, 2, 3)],
  ['a message that breaks off', framed(Buffer.alloc(100)).subarray(0, 50)],
  ['zeros', framed(Buffer.alloc(4 * KIB))],
  ['all bits', framed(Buffer.alloc(4 * KIB, 0xff))],
  ['a MiB', framed(Buffer.alloc(KIB * KIB, 0x0a))],
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
  ['JSON', framed(Buffer.from('{"jobId":"job_01k8m3q7w9x2"}'))],
  ['messages within messages', framed(nested(100))],
  ['a field that says it is longer than all', framed(Buffer.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f))],
  ['a field of a number that none has', framed(Buffer.of(0xfa, 0xff, 0xff, 0xff, 0x0f, 0x01, 0x00))],
  ['a group that nobody ends', framed(Buffer.of(0x0b, 0x0b, 0x0b))],
  ['text that is no UTF-8', framed(field(1, Buffer.of(0xff, 0xfe, 0xc0, 0x80)))],
  ['a number with eleven bytes', framed(Buffer.concat([Buffer.of(0x08), Buffer.alloc(10, 0xff), Buffer.of(1)]))],
  ['a thousand empty messages', Buffer.alloc(1_000)],
  ...[1, 2, 3, 4, 5, 6, 7, 8].map((seed): [string, Uint8Array] => [`noise ${seed}`, framed(noiseOf(seed * 7919, 300))]),
]

const victims: [name: string, address: (target: AttackTarget) => string, protocols: string[]][] = [
  [
    'the agent',
    ({ agentPeer }) => agentPeer,
    [
      Protocol.ask,
      Protocol.award,
      Protocol.lease,
      Protocol.tunnel,
      Protocol.exec,
      Protocol.output,
      Protocol.directory,
      Protocol.volumes,
      Protocol.volumeFiles,
    ],
  ],
  ['the gateway', ({ peer }) => peer, [Protocol.bid, Protocol.directory]],
  ['the gossip of the agent', ({ agentPeer }) => agentPeer, ['/meshsub/1.1.0']],
  ['the gossip of the gateway', ({ peer }) => peer, ['/meshsub/1.1.0']],
]

async function throwAt(address: string, protocol: string, bytes: Uint8Array): Promise<void> {
  const host = await createLibp2p({
    privateKey: await generateKeyPair('Ed25519'),
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
  })
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS)
    const stream = await host
      .dial(multiaddr(address), { signal })
      .then(async (connection) => await connection.newStream(protocol, { signal }))
      .catch(() => null)
    // It may turn away who connects too often: then there is nothing to throw at it.
    if (stream === null || stream.status !== 'open') return
    stream.send(bytes)
    // Nothing more comes: where it waits for more, that is its end.
    await stream.close({ signal }).catch(() => undefined)
    await until(() => stream.status !== 'open' || stream.remoteWriteStatus === 'closed' || bytes.length === 0)
  } finally {
    await host.stop()
  }
}

export const inputs: HostileInput[] = victims.flatMap(([victim, address, protocols]) =>
  protocols.flatMap((protocol) =>
    frames.map(
      ([what, bytes]): HostileInput => ({
        name: `${what} to ${victim} as ${protocol}`,
        async attempt(target) {
          await throwAt(address(target), protocol, bytes)
          assert.equal((await fetch(`${target.url}/api/health`)).status, 200)
        },
      }),
    ),
  ),
)
