import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { PROGRESS_EVERY_MS, statusLine } from '../../../node/commands/status-line.ts'
import { until } from '../../support/until.ts'

function written(isTerminal: boolean) {
  const stream = Object.assign(new PassThrough(), {
    ...{ isTTY: isTerminal, columns: 120, rows: 24 },
    ...{
      clearLine: () => true,
      cursorTo: () => true,
      moveCursor: () => true,
      getColorDepth: () => 1,
      hasColors: () => false,
    },
  })
  let text = ''
  stream.on('data', (piece) => {
    text += piece
  })
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => stripVTControlCharacters(text) }
}

describe('the line of what goes on', () => {
  it('says how far something is once in a while where there is no terminal, and nothing of what is over soon', () => {
    const { stream, text } = written(false)
    let nowMs = 0
    const status = statusLine(stream, () => nowMs)
    for (; nowMs < PROGRESS_EVERY_MS; nowMs += 100) status.progress('reading a', nowMs, null)
    assert.equal(text(), '')
    for (; nowMs <= 3 * PROGRESS_EVERY_MS; nowMs += 100) status.progress('bringing its\ndata', 512 * 1024, 2 ** 20)
    status.progress('bringing its\ndata', 2 ** 20, 2 ** 20)
    assert.deepEqual(
      text()
        .split('\n')
        .map((line) => line.trim()),
      ['20.0 s  bringing its\\ndata (512Ki of 1Mi)', '30.0 s  bringing its\\ndata (512Ki of 1Mi)', ''],
    )
  })

  it('is a bar on a terminal, also of nothing, and of more than there was to be', async () => {
    const { stream, text } = written(true)
    const status = statusLine(stream)
    try {
      for (const [done, total, shown] of [
        [50, 100, `[${'='.repeat(10)}${' '.repeat(10)}]  50% bringing its data (50B of 100B)`],
        [0, 0, `[${'='.repeat(20)}] 100% bringing its data (0B of 0B)`],
        [300, 100, `[${'='.repeat(20)}] 100% bringing its data (300B of 100B)`],
        [5, null, ' bringing its data (5B)'],
      ] as const) {
        status.progress('bringing its data', done, total)
        await until(() => text().includes(shown))
      }
    } finally {
      status.stop()
    }
  })
})
