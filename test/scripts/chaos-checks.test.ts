/** The rules by which `npm run chaos` judges: each must find what breaks it, and nothing else. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Befallen, Disturbance } from '../faults/support/befallen.ts'
import type { Stored } from '../faults/support/checker.ts'
import { checkContainers, checkOwnersActs, checkTimes, startedUnheard } from '../faults/support/checks-of-a-job.ts'
import type { EngineEvent } from '../faults/support/engine-events.ts'
import { runsOf } from '../faults/support/runs.ts'

type Said = [action: EngineEvent['action'], containerId: string, atS: number]

/** Containers are `PROVIDER FENCE`. */
function engineSaid(...said: Said[]): EngineEvent[] {
  return said.map(([action, containerId, atS]) => {
    const [owner = '', fence = ''] = containerId.split(' ')
    return { action, containerId, owner, jobId: 'job', fence: Number(fence), atMs: atS * 1000 }
  })
}

function away(what: Disturbance['what'], provider: string | null, fromS: number, toS: number): Disturbance {
  return { what, provider, fromMs: fromS * 1000, toMs: toS * 1000 }
}

function stored(changes: { onDisconnect?: string; state?: object; times?: number[] }): Stored {
  const { onDisconnect = 'continue', state = { status: 'completed', lease: { fence: 1 } }, times = [] } = changes
  const job = { id: 'job', spec: { onDisconnect }, state }
  return { job, events: times.map((timestampMs) => ({ type: 'progress', timestampMs })) } as unknown as Stored
}

function rulesOf(check: (say: (rule: string) => void) => void): string[] {
  const rules: string[] = []
  check((rule) => rules.push(rule))
  return rules
}

describe('when containers ran', () => {
  const spans: [string, Said[], Befallen[], [leastS: number, mostS: number, isFromOutside: boolean]][] = [
    [
      'one that ended',
      [
        ['start', 'a 1', 10],
        ['die', 'a 1', 15],
      ],
      [],
      [5, 5, false],
    ],
    [
      'one that was removed as it ran',
      [
        ['start', 'a 1', 10],
        ['destroy', 'a 1', 15],
      ],
      [],
      [5, 5, false],
    ],
    [
      'one that its owner ended',
      [
        ['start', 'a 1', 10],
        ['die', 'a 1', 15],
      ],
      [{ what: 'owner', jobId: 'job', fence: 1, act: 'docker kill', atMs: 15_000 }],
      [5, 5, true],
    ],
    [
      'one whose engine ended and told of its end when it was back',
      [
        ['start', 'a 1', 10],
        ['die', 'a 1', 40],
      ],
      [away('engine', 'a', 20, 38)],
      [10, 30, true],
    ],
    ['one whose engine never told', [['start', 'a 1', 10]], [away('engine', 'a', 20, 40)], [10, 60, true]],
    [
      'one whose engine ended later, or was another',
      [
        ['start', 'a 1', 10],
        ['die', 'a 1', 15],
      ],
      [away('engine', 'a', 20, 40), away('engine', 'b', 5, 40)],
      [5, 5, false],
    ],
  ]
  for (const [what, said, befallen, [leastS, mostS, isFromOutside]] of spans) {
    it(`tells of ${what}`, () => {
      const [run] = runsOf(engineSaid(...said), befallen)
      assert.ok(run !== undefined)
      const { startMs, leastEndMs, mostEndMs } = run
      const found = [(leastEndMs - startMs) / 1000, (mostEndMs - startMs) / 1000, run.isFromOutside]
      assert.deepEqual(found, [leastS, mostS, isFromOutside])
    })
  }
})

describe('two containers of one job', () => {
  const after: Said[] = [
    ['start', 'a 1', 0],
    ['die', 'a 1', 10],
    ['start', 'b 2', 11],
    ['die', 'b 2', 20],
  ]
  const beside: Said[] = [
    ['start', 'a 1', 0],
    ['start', 'b 2', 10],
    ['die', 'a 1', 30],
    ['die', 'b 2', 40],
  ]
  const long: Said[] = [
    ['start', 'a 1', 0],
    ['start', 'b 2', 10],
    ['die', 'a 1', 200],
    ['die', 'b 2', 210],
  ]
  const same: Said[] = [
    ['start', 'a 1', 0],
    ['start', 'a 2', 10],
    ['die', 'a 1', 12],
    ['die', 'a 2', 40],
  ]
  const cases: [string, Said[], Befallen[], onDisconnect: string, string[]][] = [
    ['one after the other', after, [], 'stop', []],
    ['side by side, where that may be', beside, [], 'continue', []],
    ['side by side, where that must not be', beside, [], 'stop', ['one running container']],
    ['on one machine', same, [], 'continue', ['one running container on a machine']],
    ['for long, with nothing in the way of its end', long, [], 'continue', ['what is stale ends']],
    ['for long, with its agent away', long, [away('agent', 'a', 5, 150)], 'continue', []],
    ['for long, with another agent away', long, [away('agent', 'b', 5, 150)], 'continue', ['what is stale ends']],
  ]
  for (const [what, said, befallen, onDisconnect, wanted] of cases) {
    it(what, () => {
      const runs = runsOf(engineSaid(...said), befallen)
      assert.deepEqual(
        rulesOf((say) => checkContainers(stored({ onDisconnect }), runs, befallen, say)),
        wanted,
      )
    })
  }

  it('started twice for one attempt', () => {
    const runs = runsOf(engineSaid(['start', 'a 1', 0], ['die', 'a 1', 1], ['start', 'a 1', 2], ['die', 'a 1', 3]), [])
    assert.deepEqual(
      rulesOf((say) => checkContainers(stored({}), runs, [], say)),
      ['one container per attempt'],
    )
  })
})

describe('what befell a job', () => {
  it('by its machine’s owner is not its own failure', () => {
    const act: Befallen = { what: 'owner', jobId: 'job', fence: 1, act: 'docker stop', atMs: 0 }
    const failed = (code: string, reason: string) => {
      const state = { status: 'failed', lease: { fence: 1 }, failure: { code, details: { reason } } }
      return rulesOf((say) => checkOwnersActs(stored({ state }), [act], say))
    }
    assert.deepEqual(failed('NON_ZERO_EXIT', ''), ['ended by its owner'])
    assert.deepEqual(failed('INTERNAL', 'stopped-by-provider'), [])
  })

  it('by clocks that are set does not change its times', () => {
    const told = (...times: number[]) =>
      rulesOf((say) => checkTimes(stored({ times }), { id: 'job', lines: null, tookMs: 5_000 }, say))
    assert.deepEqual(told(0, 1_000, 5_000), [])
    assert.deepEqual(told(0, 3_600_000), ['a time of its own'])
    assert.deepEqual(told(2_000, 1_000), ['a time of its own'])
  })

  it('excuses a start that was not heard only where it was its provider’s or its link’s', () => {
    const [run] = runsOf(engineSaid(['start', 'a 1', 100], ['die', 'a 1', 130]), [])
    assert.ok(run !== undefined)
    const excused = (...befallen: Befallen[]): boolean => startedUnheard(run, befallen)
    assert.ok(excused(away('agent', 'a', 90, 101)))
    assert.ok(excused(away('link', null, 101, 110)))
    assert.ok(!excused(away('requester', null, 90, 120)))
    assert.ok(!excused(away('agent', 'b', 90, 120), away('agent', 'a', 10, 20), away('agent', 'a', 110, 120)))
  })
})
