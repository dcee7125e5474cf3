/** What strangers learn of a job: one of them records every broadcast as it comes. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import { JobRequestSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { until } from '../support/until.ts'
import { openMarket } from './support/market.ts'
import { joinPlainly } from './support/plain-peer.ts'

/** Every form in which text could travel without being hidden. */
function formsOf(text: string): Buffer[] {
  const bytes = Buffer.from(text)
  const digest = createHash('sha256').update(bytes).digest()
  const texts = ['hex', 'base64', 'base64url'] as const
  return [
    bytes,
    Buffer.from(text, 'utf16le'),
    Buffer.from([...bytes].reverse()),
    digest,
    ...texts.flatMap((encoding) => [bytes, digest].map((part) => Buffer.from(part.toString(encoding)))),
  ]
}

describe('broadcasts', () => {
  it('hold nothing of a job’s environment, secrets, credentials or command, also where its first seller refuses', async (test) => {
    const market = await openMarket()
    test.after(market.close)
    const listener = await joinPlainly(market)
    test.after(listener.stop)
    await market.addSeller({ price: '0.01', onAward: ({ agent }) => agent.drain() })
    await market.addSeller({ price: '0.02' })
    const hidden = {
      envName: 'PLAIN_NAME_7f3a',
      envValue: 'plain-value-91c2',
      secretName: 'SECRET_NAME_5be0',
      secretValue: 'secret-value-c44d',
      username: 'user-name-aa10',
      password: 'pass-word-88e3',
      argument: 'argument-2c75',
      label: 'label-value-60fd',
    }
    const job = await market.run(`echo $${hidden.envName} $${hidden.secretName} ${hidden.argument}`, {
      env: { [hidden.envName]: hidden.envValue },
      secrets: { [hidden.secretName]: hidden.secretValue },
      registryCredentials: { username: hidden.username, password: hidden.password, serverAddress: 'docker.io' },
      labels: { team: hidden.label },
    })
    assert.equal(job.state.status, 'completed')
    const [line] = await market.node.store.logs(job.id, 1, 1)
    assert.equal(line?.line, `${hidden.envValue} ${hidden.secretValue} ${hidden.argument}`)

    const { peerId } = market.node.network
    const requests = () => listener.heard.filter(({ topic, author }) => topic === 'requests' && author === peerId)
    await until(() => requests().length >= 1)
    await until(() => new Set(listener.heard.map(({ author }) => author)).size === 3)
    const everything = Buffer.concat(listener.heard.map(({ data }) => data))
    // What is public is there to be found, so what is not found is not there.
    assert.ok(everything.includes(market.image))
    for (const { data } of requests()) assert.equal(fromBinary(JobRequestSchema, data).network, market.network)
    for (const [what, text] of Object.entries(hidden)) {
      for (const form of formsOf(text)) assert.equal(everything.indexOf(form), -1, what)
    }
    assert.equal(everything.indexOf(job.id), -1, 'job id')
  })
})
