import { after, before, describe, it } from 'node:test'
import { checkCounts, checkRow, kindNamed, lateFor } from './check-row.ts'
import type { Brought, WalkMarket, Ways } from './stage.ts'

/** Rows at a time: they mostly wait. */
const CONCURRENCY = 8

/** Brings each of these rows about, and holds what came of it against the table. */
export function walk(where: string, open: () => Promise<WalkMarket>, ways: Ways): void {
  describe(`every reason for which a job fails: ${where}`, () => {
    let opened: WalkMarket | undefined
    const brought = new Map<string, Brought>()
    before(async () => {
      opened = await open()
    })
    after(async () => await opened?.market.close())

    describe('is told, tried elsewhere and billed as the table says', { concurrency: CONCURRENCY }, () => {
      for (const [name, { how, bring, times, skip = false }] of Object.entries(ways)) {
        it(`${name}: ${how}`, { skip }, async () => {
          if (opened === undefined) throw new Error('There is no market')
          const kind = kindNamed(name)
          const ownNode = kind.counts === 'for-everybody' || times !== undefined
          const stage = await opened.stage(name, { ownNode, times })
          const found = await bring(stage)
          const result = 'job' in found ? found : { job: found, node: stage.node }
          await checkRow(kind, result)
          brought.set(name, result)
        })
      }
    })

    it('counts against whom the table says', async () => {
      const late = new Set((await Promise.all([...brought.values()].map(lateFor))).flat())
      for (const [name, result] of brought) await checkCounts(kindNamed(name), name, result, late)
    })
  })
}
