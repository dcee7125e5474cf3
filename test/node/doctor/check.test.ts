import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ProviderView } from '../../../node/directory/index.ts'
import { fine, runChecks, wrong } from '../../../node/doctor/check.ts'
import { clockFinding, reachFinding } from '../../../node/doctor/peers.ts'

const provider = (clockAheadMs: number): ProviderView =>
  ({ status: 'online', lastSeenMs: 1e12, incarnation: 1e12 + clockAheadMs - 60_000, uptimeSeconds: 60 }) as ProviderView

describe('the checks of the doctor', () => {
  it('run at once, answer in their order, and are cut off each by itself', async () => {
    const findings = await runChecks(
      [
        { name: 'hangs', run: async () => await new Promise(() => undefined) },
        { name: 'throws', run: async () => await Promise.reject(new Error('disk: full: make room')) },
        { name: 'two', run: async () => [fine('one', 'a'), fine('two', 'b')] },
      ],
      50,
    )
    assert.deepEqual(
      findings.map(({ check, state }) => [check, state]),
      [
        ['hangs', 'fail'],
        ['throws', 'fail'],
        ['one', 'ok'],
        ['two', 'ok'],
      ],
    )
    assert.match(findings[0]?.found ?? '', /within 0\.05 s/)
    assert.deepEqual(findings[1], { check: 'throws', state: 'fail', found: 'disk: full', remedy: 'make room' })
  })

  it('are told when their time is over', async () => {
    let signal: AbortSignal | undefined
    await runChecks(
      [
        {
          name: 'slow',
          run: async (given) => {
            signal = given
            return await new Promise(() => undefined)
          },
        },
      ],
      10,
    )
    assert.equal(signal?.aborted, true)
  })

  it('take a message without a remedy as it is', () => {
    assert.deepEqual(wrong('x', 'warn', 'broken'), { check: 'x', state: 'warn', found: 'broken', remedy: '' })
  })
})

describe('the clock, by what providers say of theirs', () => {
  const HOUR_MS = 3_600_000
  const cases: [aheadMs: number[], state: string | undefined, found: RegExp][] = [
    [[], undefined, /^$/],
    [[2_000, -3_000], 'ok', /within a minute of 2 providers/],
    [[-5 * 60_000], 'warn', /^5 min ahead of that of 1 provider$/],
    [[3 * HOUR_MS], 'fail', /^3 h 0 min behind that of 1 provider$/],
    // One that is wrong does not outweigh the others.
    [[0, 9 * HOUR_MS, 1_000], 'ok', /3 providers/],
  ]
  for (const [aheadMs, state, found] of cases) {
    it(`is ${state ?? 'not known'} where they are ahead by ${aheadMs.join(', ') || 'nothing, for there are none'}`, () => {
      const [finding] = clockFinding(aheadMs.map(provider))
      assert.equal(finding?.state, state)
      assert.match(finding?.found ?? '', found)
    })
  }
})

describe('the way from outside, by what peers saw', () => {
  const outside = ['/ip4/8.8.8.8/tcp/4000']
  const seller = { isPublic: false, isRequired: false }
  const cases: [
    name: string,
    seenAs: string[],
    options: { announce?: string[]; upnp?: true },
    part: typeof seller,
    state: string | undefined,
    found: RegExp,
  ][] = [
    ['nobody told', [], {}, seller, undefined, /^$/],
    ['only neighbours told', ['/ip4/127.0.0.1/tcp/1'], {}, seller, 'ok', /own networks/],
    [
      'an agent is behind a router',
      outside,
      {},
      seller,
      'warn',
      /others see it as 8\.8\.8\.8; it is reached over a relay/,
    ],
    ['the router is asked', outside, { upnp: true }, seller, 'warn', /asked by --upnp/],
    ['it announces an address', outside, { announce: ['/ip4/8.8.8.8/tcp/13100'] }, seller, 'ok', /announces/],
    ['a relay is behind a router', outside, {}, { isPublic: true, isRequired: false }, 'fail', /router/],
    ['a client is behind a router', outside, {}, { isPublic: false, isRequired: true }, 'ok', /enough/],
  ]
  for (const [name, seenAs, options, part, state, found] of cases) {
    it(`is ${state ?? 'not known'} where ${name}`, () => {
      const [finding] = reachFinding({ seenAs }, options, part)
      assert.equal(finding?.state, state)
      assert.match(finding?.found ?? '', found)
    })
  }
})
