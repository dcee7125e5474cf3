import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { breathe, takeTurn } from '../../node/turns.ts'

/** Works for so long, whatever else the machine does. */
function work(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

/** What a timer sees: how often it came while the task ran. */
async function roundsDuring(task: () => Promise<unknown>): Promise<number> {
  let rounds = 0
  let isOver = false
  const count = (): void => {
    rounds += 1
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  await task()
  isOver = true
  return rounds
}

describe('entry 3: turns of the loop', () => {
  it('lets timers and connections in between many that come at once, however little each of them does', async () => {
    const rounds = await roundsDuring(async () => {
      await Promise.all(
        Array.from({ length: 100 }, async () => {
          await takeTurn()
          work(2)
        }),
      )
    })
    assert.ok(rounds >= 15, `${rounds} rounds for 200 ms of work`)
  })

  it('counts what one does that goes on after it waited for others of its own', async () => {
    const rounds = await roundsDuring(async () => {
      await Promise.all(
        Array.from({ length: 50 }, async () => {
          await takeTurn()
          for (let i = 0; i < 10; i += 1) await Promise.resolve()
          work(4)
        }),
      )
    })
    assert.ok(rounds >= 15, `${rounds} rounds for 200 ms of work`)
  })

  it('has long pieces of work share a round, not have one each', async () => {
    const rounds = await roundsDuring(async () => {
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          for (let i = 0; i < 10; i += 1) {
            work(1)
            await breathe()
          }
        }),
      )
    })
    assert.ok(rounds >= 12, `${rounds} rounds for 200 ms of work`)
  })

  it('serves first who came first, and whoever comes meanwhile after them', async () => {
    const order: string[] = []
    const come = async (name: string): Promise<void> => {
      await takeTurn()
      order.push(name)
      work(4)
    }
    const late = come('first').then(async () => await come('late'))
    await Promise.all([come('second'), come('third'), come('fourth'), late])
    assert.deepEqual(order, ['first', 'second', 'third', 'fourth', 'late'])
  })

  it('goes on when one of them fails', async () => {
    const failing = takeTurn().then(() => {
      throw new Error('no')
    })
    const after = takeTurn()
    await assert.rejects(failing, /no/)
    await after
    await takeTurn()
  })

  it('gives many little ones the same round, so that they cost next to nothing', async () => {
    const rounds = await roundsDuring(async () => {
      await Promise.all(Array.from({ length: 1000 }, async () => await takeTurn()))
    })
    assert.ok(rounds < 500, `${rounds} rounds`)
  })
})
