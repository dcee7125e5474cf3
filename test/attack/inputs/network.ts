/** What strangers say of themselves on the network: how they are called, where they are, and nothing at all. */

import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { JobRequestSchema } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { announce, plainJob } from '../../integration/support/plain-market.ts'
import { bytesOf, joinPlainly, type PlainPeer } from '../../integration/support/plain-peer.ts'
import { until } from '../../support/until.ts'
import type { AttackTarget, HostileInput } from '../support/inputs.ts'

async function answersOn({ url }: AttackTarget): Promise<void> {
  assert.equal((await fetch(`${url}/api/health`)).status, 200)
}

/** A peer that is there for one input, beside one of the two. */
async function withPeer<T>(target: AttackTarget, at: string, use: (peer: PlainPeer) => Promise<T>): Promise<T> {
  const peer = await joinPlainly({ network: target.network, bootstrap: [at] })
  try {
    return await use(peer)
  } finally {
    await peer.stop()
  }
}

const isListed = async ({ alice }: AttackTarget, id: string): Promise<boolean> =>
  (await alice.api.call('GET', `/providers/${id}`)).status === 200

/** Names that nobody has. */
const asked: [what: string, name: string][] = [
  ['empty', ''],
  ['a blank', ' '],
  ['the prototype of everything', '__proto__'],
  ['a way out of a folder', '../../../etc/passwd'],
  ['control characters', '\u0000\u0007\u001b[2J\u009b31m'],
  ['lines', 'a\nb\r\nc'],
  ['written from the right', '\u202eegdelwonk'],
  ['half of a character', '\ud800'],
  ['the letters of another alphabet', '\u0430ttacked'],
  ['two letters of a peer id', 'xy'],
  ['a pattern', '.*'],
  ['100 kB', 'n'.repeat(100_000)],
  ['100 kB of one accent', `a${'\u0301'.repeat(50_000)}`],
]

/** Names that no announcement may have. */
const announced: [what: string, name: string][] = [
  ['control characters', 'a\u0000b'],
  ['lines', 'a\nb'],
  ['colours of a terminal', '\u001b[31mred'],
  ['100 kB', 'n'.repeat(100_000)],
  ['300 characters', 'n'.repeat(300)],
]

/** Where no peer is. `PORT` is one that somebody listens at, on all of the machine's own addresses. */
const nowhere: [what: string, address: string][] = [
  ['metadata by its number', '/ip4/169.254.169.254/tcp/80'],
  ['metadata as a name', '/dns4/169.254.169.254/tcp/80'],
  ['metadata as one number', '/dns4/2852039166/tcp/80'],
  ['metadata in hexadecimal', '/dns4/0xa9fea9fe/tcp/80'],
  ['metadata in octal', '/dns4/0251.0376.0251.0376/tcp/80'],
  ['metadata within IPv6', '/ip6/::ffff:a9fe:a9fe/tcp/80'],
  ['metadata over NAT64', '/ip6/64:ff9b::a9fe:a9fe/tcp/80'],
  ['metadata over 6to4', '/ip6/2002:a9fe:a9fe::/tcp/80'],
  ['metadata of AWS over IPv6', '/ip6/fd00:ec2::254/tcp/80'],
  ['metadata under a name', '/dns4/metadata.google.internal/tcp/80'],
  ['everywhere', '/ip4/0.0.0.0/tcp/PORT'],
  ['everywhere, over IPv6', '/ip6/::/tcp/PORT'],
  ['everywhere, as a name', '/dns4/0.0.0.0/tcp/PORT'],
  ['everywhere, as the least number', '/dns4/0/tcp/PORT'],
  ['this machine as one number', '/dns4/2130706433/tcp/PORT'],
  ['this machine in hexadecimal', '/dns4/0x7f000001/tcp/PORT'],
  ['this machine in octal', '/dns4/0177.0.0.1/tcp/PORT'],
  ['this machine cut short', '/dns4/127.1/tcp/PORT'],
  ['this machine as a web page', '/ip4/127.0.0.1/tcp/PORT/http'],
  ['this machine over WebSocket', '/ip4/127.0.0.1/tcp/PORT/ws'],
]

/** Somebody who only counts who comes in. */
async function listenAnywhere() {
  let count = 0
  const server = createServer((socket) => {
    count += 1
    socket.on('error', () => undefined)
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, resolve))
  const { port } = server.address() as { port: number }
  return { port, count: () => count, [Symbol.dispose]: () => void server.close() }
}

/** Says where the peer is, and waits until it was dialled at the one place where it may be. */
async function dialsOnlyPeers(address: string, say: (addresses: string[]) => Promise<void>): Promise<void> {
  using never = await listenAnywhere()
  using peers = await listenAnywhere()
  await say([address.replace('PORT', String(never.port)), `/ip4/127.0.0.1/tcp/${peers.port}`])
  await until(() => peers.count() > 0)
  // The next address would be tried once the last one failed, which it did at once.
  await delay(300)
  assert.equal(never.count(), 0, `${address} was dialled`)
}

export const inputs: HostileInput[] = [
  ...asked.map(
    ([what, name]): HostileInput => ({
      name: `entry 49: a job for a provider whose name is ${what}`,
      async attempt({ alice, image }) {
        const { status, code } = await alice.api.call('POST', '/jobs', { image, provider: name })
        const told = `${status} ${code}`
        assert.ok(['400 VALIDATION_ERROR', '503 PROVIDER_UNAVAILABLE'].includes(told), told)
      },
    }),
  ),
  ...asked.flatMap(([what, name]): HostileInput[] => {
    // Those two are paths of their own.
    if (!name.isWellFormed() || name === '') return []
    return [
      {
        name: `entry 49: the page of a provider whose name is ${what}`,
        async attempt(target) {
          const { url, alice } = target
          for (const rest of ['', '/status', '/jobs', '/pricing']) {
            const at = `${url}/api/plugin-core/providers/${encodeURIComponent(name)}${rest}`
            const response = await fetch(at, { headers: { Authorization: `Bearer ${alice.key}` } })
            await response.body?.cancel()
            assert.ok([400, 404, 414, 431].includes(response.status), `${rest} ${response.status}`)
          }
          await answersOn(target)
        },
      },
    ]
  }),
  ...announced.map(
    ([what, name]): HostileInput => ({
      name: `entry 49: a provider that calls itself ${what}`,
      async attempt(target) {
        await withPeer(target, target.peer, async (peer) => {
          await announce(peer, target.network, { name }).catch(() => undefined) // too long to be published
          await withPeer(target, target.peer, async (honest) => {
            await announce(honest, target.network)
            await until(async () => await isListed(target, honest.id))
          })
          assert.equal(await isListed(target, peer.id), false)
        })
      },
    }),
  ),
  {
    name: 'entry 49: two providers of one name, for a job that names it',
    async attempt(target) {
      const name = `twin-${Math.random().toString(36).slice(2)}`
      await withPeer(target, target.peer, async (one) => {
        await withPeer(target, target.peer, async (other) => {
          for (const peer of [one, other]) {
            await announce(peer, target.network, { name })
            await until(async () => await isListed(target, peer.id))
          }
          const { image } = target
          const answer = await target.alice.api.call('POST', '/jobs', { image, provider: name })
          const { status, code, message = '' } = answer
          assert.deepEqual([status, code], [400, 'VALIDATION_ERROR'])
          for (const peer of [one, other]) assert.ok(message.includes(peer.id), message)
        })
      })
    },
  },
  {
    name: "entry 49: a provider that calls itself by another's peer id",
    async attempt(target) {
      await withPeer(target, target.peer, async (peer) => {
        await announce(peer, target.network, { name: target.agentId })
        // Nobody takes such a name: it is listed without one, or not at all.
        const { data: listed } = await target.alice.api.call('GET', '/providers?fields=id,name')
        assert.ok(
          !listed.some(({ id, name }: { id: string; name: string }) => id === peer.id && name === target.agentId),
        )
        const { data } = await target.alice.api.call('GET', `/providers/${target.agentId}`)
        assert.equal(data.id, target.agentId)
        const id = await target.alice.api.submit({ provider: target.agentId, image: target.image, command: ['true'] })
        const { status, provider } = await target.alice.api.ended(id)
        assert.deepEqual([status, provider], ['completed', target.agentId])
      })
    },
  },
  ...nowhere.map(
    ([what, address]): HostileInput => ({
      name: `entry 49: somebody who asks for a job and can be reached at ${what}`,
      async attempt(target) {
        // Beside the gateway: the agent knows of it by gossip only, and must dial it.
        await withPeer(target, target.peer, async (peer) => {
          const { requestId, requirements } = plainJob(target.image, 'true')
          await dialsOnlyPeers(address, async (addresses) => {
            const request = bytesOf(JobRequestSchema, {
              ...{ network: target.network, requestId, requirements, addresses },
              ...{ bidWindowMs: 1_000, samplePerMillion: 1_000_000, createdAtMs: BigInt(Date.now()) },
            })
            await peer.publish('requests', request)
          })
        })
        await answersOn(target)
      },
    }),
  ),
  {
    name: 'entry 13: forty peers that do nothing, beside an honest job',
    async attempt(target) {
      const idle = await Promise.all(
        Array.from({ length: 40 }, async () => {
          const host = await createLibp2p({
            privateKey: await generateKeyPair('Ed25519'),
            transports: [tcp()],
            connectionEncrypters: [noise()],
            streamMuxers: [yamux()],
          })
          // It may turn some away: they come too many at once.
          await host.dial(multiaddr(target.peer)).catch(() => undefined)
          return host
        }),
      )
      try {
        const { api } = target.alice
        const id = await api.submit({ image: target.image, command: ['echo', 'here'] })
        assert.equal((await api.ended(id)).status, 'completed')
        await withPeer(target, target.peer, async (newcomer) => {
          await announce(newcomer, target.network)
          await until(async () => await isListed(target, newcomer.id))
        })
      } finally {
        await Promise.all(idle.map(async (host) => await host.stop()))
      }
    },
  },
]
