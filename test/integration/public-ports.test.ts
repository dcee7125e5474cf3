/** How a job's ports do, as its provider tells it; and ports that are published at the provider's own address. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { after, before, describe, test } from 'node:test'
import { leaseOf } from '../../node/store/records.ts'
import { PUBLIC_PORTS } from '../../protocol/capabilities.ts'
import type { EndpointHealth } from '../../protocol/endpoints.ts'
import { type JobSubmission, jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { openMarket, type TestMarket } from './support/market.ts'

/** Any address of this machine that is not loopback: the engine listens there for everybody who reaches it. */
const ADDRESS = Object.values(networkInterfaces())
  .flatMap((addresses = []) => addresses)
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address

/** Listens on 7000 once it is told to begin, and no more once it is told to end; on a port of UDP never. */
const SWITCHED = `
until [ -e /tmp/begin ]; do sleep 0.1; done
nc -ll -p 7000 -e cat & server=$!
until [ -e /tmp/end ]; do sleep 0.1; done
kill $server; sleep 60`

describe('ports of a job', () => {
  let market: TestMarket
  before(async () => {
    market = await openMarket()
    const agent = { endpointsMs: 200, heartbeatMs: 60_000, capabilities: ADDRESS === undefined ? [] : [PUBLIC_PORTS] }
    await market.addSeller({ agent, ...(ADDRESS === undefined ? {} : { publicAddress: ADDRESS }) })
  })
  after(async () => await market.close())

  async function submit(script: string, ports: JobSubmission['ports']): Promise<string> {
    return (await market.submit(market.job(script, { ports, network: 'bridge' }))).id
  }

  /** Resolves once the provider says so of the ports, in their order. */
  async function until(id: string, ...wanted: EndpointHealth[]) {
    const job = await market.when(id, (now) => {
      const told = leaseOf(now)?.endpoints ?? []
      return told.length > 0 && told.every(({ health }, i) => health === wanted[i])
    })
    return leaseOf(job)?.endpoints ?? []
  }

  async function touch(id: string, path: string): Promise<void> {
    const session = await market.node.reach.exec(id, { command: ['touch', path] }, new AbortController().signal)
    for await (const event of session.output()) if (event.type === 'exited') assert.equal(event.exitCode, 0)
  }

  test('answer or not, told as it changes and long before the next heartbeat, of UDP too', async () => {
    const id = await submit(SWITCHED, [{ port: 7000 }, { port: 7001, protocol: 'UDP' }])
    const [tcp, udp] = await until(id, 'silent', 'silent')
    assert.deepEqual([tcp?.published, udp?.published], [null, null], 'it asked for no public port')
    await touch(id, '/tmp/begin')
    await until(id, 'answering', 'silent')
    await touch(id, '/tmp/end')
    await until(id, 'silent', 'silent')
    await market.node.requester.cancel(id)
    await market.ended(id)
  })

  const noAddress = ADDRESS === undefined ? 'needs an IPv4 address that is not loopback' : false
  test('that are to be public answer everybody at the provider’s address, and the others do not', {
    skip: noAddress,
  }, async () => {
    const echo = 'for port in 7000 7001; do nc -ll -p $port -e cat & done; wait'
    const id = await submit(echo, [{ port: 7000, public: true }, { port: 7001 }])
    const [open, closed] = await until(id, 'answering', 'answering')
    assert.equal(closed?.published, null)
    assert.equal(open?.published?.address, ADDRESS)
    const socket = connect({ host: open?.published?.address, port: open?.published?.port ?? 0 })
    await once(socket, 'connect')
    socket.write('hello')
    const [said] = (await once(socket, 'data')) as [Buffer]
    assert.equal(said.toString(), 'hello')
    socket.destroy()
    await market.node.requester.cancel(id)
    await market.ended(id)
  })

  test('are published by providers alone whose owners say so', async () => {
    const quiet = await market.addSeller()
    const spec = market.job('true', { ports: [{ port: 80, public: true }], network: 'bridge', provider: quiet.id })
    const { quotes } = await market.node.requester.quote(jobSubmissionSchema.parse(spec), 'test')
    const [quote] = quotes
    assert.equal(quote?.pricePerHour, null)
    assert.match(quote?.reason ?? '', /does not offer public-ports/)
  })
})
