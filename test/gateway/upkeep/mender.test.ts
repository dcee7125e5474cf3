import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { MemoryLevel } from 'memory-level'
import { createMender } from '../../../gateway/upkeep/mender.ts'
import type { Database } from '../../../node/store/database.ts'
import type { AsideRecord, Mend } from '../../../node/upkeep/problem.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

describe('what mends problems', () => {
  it('writes what it takes away many at a time, before that goes, and holds none of it any longer', async () => {
    const database = new MemoryLevel<string, string>() as unknown as Database
    const writes: number[] = []
    const records = async (given: AsideRecord[]): Promise<void> => {
      for (const { record } of given) assert.notEqual(await database.get(record[0]), undefined, record[0])
      writes.push(given.length)
    }
    const mender = createMender({ records, file: async () => assert.fail('no file') })
    const held: WeakRef<Mend>[] = []
    for (let i = 0; i < 450; i += 1) {
      const key = `!jobs!${i}`
      await database.put(key, 'x')
      const mend: Mend = { how: 'set aside', aside: [[key, Buffer.alloc(10)]] }
      held.push(new WeakRef(mend))
      const problem = { kind: 'cannot be read', which: key, remedy: null, mend }
      await mender.mend('jobs', problem, 'jobs', database)
      // The same once more counts, and is done once.
      await mender.mend('jobs', problem, 'jobs', database)
    }
    await mender.settled()
    assert.deepEqual(writes, [200, 200, 50])
    assert.deepEqual(await database.keys().all(), [])
    assert.equal(mender.done()[0]?.count, 900)
    await new Promise((resolve) => setImmediate(resolve))
    collectGarbage()
    assert.ok(held.filter((one) => one.deref() !== undefined).length < 10)
  })
})
