/** Images that are kept where no stranger may make a provider go. The agent allows no registry inside. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { AttackTarget, HostileInput } from '../support/inputs.ts'

const WORDS = 'the words of a service inside'

/**
 * The job has failed because nobody went to its registry: it is not allowed, or no provider has taken the job in time, as
 * none does with such an image so soon after somebody else's. Nothing that it is told says what is there.
 */
async function wentNowhere({ alice }: AttackTarget, id: string): Promise<void> {
  const { status, startedAt, error, events } = await alice.api.ended(id)
  assert.deepEqual([status, startedAt], ['failed', null])
  const isRefused = error.details.reason === 'registry-not-allowed' || error.code === 'NO_PROVIDER'
  assert.ok(isRefused, JSON.stringify(error))
  assert.doesNotMatch(
    JSON.stringify({ error, events }),
    new RegExp(`ECONN|EHOST|ENET|ETIMEDOUT|timed out|i/o timeout|dial tcp|${WORDS}`, 'i'),
  )
}

/** A service on loopback that counts who comes. */
async function withService(use: (port: number, visits: () => number) => Promise<void>): Promise<void> {
  let visits = 0
  const server = createServer((_request, response) => {
    response.statusCode = 418
    response.setHeader('www-authenticate', `Bearer realm="http://169.254.169.254/${WORDS}"`)
    response.end(WORDS)
  })
  server.on('connection', () => {
    visits += 1
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await use((server.address() as AddressInfo).port, () => visits)
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

/** Hosts that are this machine, as resolvers read them. */
const SELVES = ['127.0.0.1', 'localhost', '127.1', '127.0.1', '0x7f000001', '2130706433.', '0.0.0.0', '127.255.255.254']

/** Hosts inside, or that tell secrets, whatever is there. */
const INSIDE = [
  ...['169.254.169.254', '169.254.170.2', '100.100.100.200', '168.63.129.16', '192.0.0.192', '10.0.0.1'],
  ...['10.255.255.53', '172.17.0.1', '172.16.0.1', '192.168.0.1', '192.168.1.254', '100.64.0.1', '198.18.0.1'],
  ...['224.0.0.1', '255.255.255.255', '240.0.0.1', '0.0.0.1'],
]

const credentials = (serverAddress: string) => ({ username: 'u', password: 'secret-word', serverAddress })

/** Credentials that do not go with the image. */
const MISMATCHED: [image: string, serverAddress: string][] = [
  ['busybox', 'ghcr.io'],
  ['busybox', '127.0.0.1:5000'],
  ['ghcr.io/a/b', 'docker.io'],
  ['ghcr.io/a/b', 'ghcr.io.evil.example'],
  ['ghcr.io/a/b', 'https://evil.example/ghcr.io'],
  ['evil.example/ghcr.io/b', 'ghcr.io'],
  ['registry.example:5000/a', 'registry.example'],
  ['registry.example/a', 'registry.example:5000'],
  ['localhost:5000/a', '127.0.0.1:5000'],
]

/** Names by which nobody gets what only the machine has, or what others have pulled. */
const OTHERS: ((target: AttackTarget) => string)[] = [
  () => `sha256:${'a'.repeat(64)}`,
  () => `sha256@sha256:${'a'.repeat(64)}`,
  () => 'cortex-node/sandbox:1',
  () => `cortex-node/private/registry.example/a:${'a'.repeat(64)}`,
  () => `cortex-node/public/docker.io/library/busybox:${'a'.repeat(64)}`,
  ({ image }) => `docker.io/${image}`,
  ({ image }) => `index.docker.io/${image}`,
  ({ image }) => `localhost/${image}`,
]

export const inputs: HostileInput[] = [
  ...SELVES.map((host) => ({
    name: `entry 4: an image at ${host}, with a service behind the port`,
    attempt: async (target: AttackTarget) =>
      await withService(async (port, visits) => {
        const { status, data } = await target.alice.api.call('POST', '/jobs', {
          ...{ image: `${host}:${port}/a:1`, cpu: 100, memory: '16Mi', queueTimeout: 5 },
        })
        // Not every spelling is a name that images may have.
        if (status === 400) return
        await wentNowhere(target, data.id)
        assert.equal(visits(), 0)
      }),
  })),
  ...INSIDE.map((host) => ({
    name: `entry 4: an image at ${host}`,
    async attempt(target: AttackTarget) {
      await wentNowhere(target, await target.alice.api.submit({ image: `${host}/latest/meta-data:1`, queueTimeout: 5 }))
    },
  })),
  ...MISMATCHED.map(([image, serverAddress]) => ({
    name: `entry 15: credentials for ${serverAddress} with ${image}`,
    async attempt({ alice }: AttackTarget) {
      const job = { image, registryCredentials: credentials(serverAddress) }
      const { status, message } = await alice.api.call('POST', '/jobs', job)
      assert.equal(status, 400)
      assert.doesNotMatch(message ?? '', /secret-word/)
    },
  })),
  ...OTHERS.map((name, i) => ({
    name: `entry 14: what is not the requester's, by name ${i + 1}`,
    async attempt(target: AttackTarget) {
      for (const imagePullPolicy of ['Never', 'IfNotPresent']) {
        const job = { image: name(target), imagePullPolicy, cpu: 100, memory: '16Mi', queueTimeout: 5 }
        const { status, data } = await target.bob.api.call('POST', '/jobs', job)
        if (status === 400) continue
        const { status: ended, startedAt } = await target.bob.api.ended(data.id)
        assert.deepEqual([ended, startedAt], ['failed', null])
      }
    },
  })),
]
