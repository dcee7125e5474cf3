import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { detail } from '../../../gateway/dashboard/src/format/details.ts'

describe('a detail of a failure or an event', () => {
  const cases: [string, unknown, string][] = [
    ['limitBytes', '25165824', 'limit: 24 MiB'],
    ['usedBytes', 1536, 'used: 1.5 KiB'],
    ['bytesDone', '2048', 'done: 2 KiB'],
    ['waitedMs', 61_000, 'waited: 1 min 1 s'],
    ['meteredSeconds', 90, 'metered: 1 min 30 s'],
    ['duration', 3_600, 'duration: 1 h'],
    ['cpuMillis', '1500', 'cpu: 1.5 cores'],
    ['pricePerHour', '0.02', 'price per hour: $0.02'],
    ['reason', 'out-of-memory', 'reason: out of memory'],
    ['declineCode', 'NO_ROOM', 'decline code: NO_ROOM'],
    ['image', 'registry.example/my-image:1-a', 'image: registry.example/my-image:1-a'],
    ['exitCode', 137, 'exit code: 137'],
    ['limitBytes', 'none', 'limit bytes: none'],
    ['resources', { cpu: 1 }, 'resources: {"cpu":1}'],
  ]
  for (const [name, value, expected] of cases) {
    it(`entry 51: is written for people: ${name} ${String(value)}`, () => assert.equal(detail(name, value), expected))
  }
})
