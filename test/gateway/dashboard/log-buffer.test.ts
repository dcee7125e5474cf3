import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLogBuffer } from '../../../gateway/dashboard/src/jobs/logs/log-buffer.ts'

const ALL = { stream: 'all', search: '', onlyMatches: false } as const

/** Ten lines from number 5 on; every third is of stderr. */
function filled() {
  const buffer = createLogBuffer()
  for (let i = 0; i < 10; i += 1) {
    const stream = i % 3 === 0 ? ('stderr' as const) : ('stdout' as const)
    const line = i % 2 === 0 ? `\x1b[31mEr\x1b[0mror ${i}` : `line ${i}`
    buffer.add({ number: 5 + i, timestamp: new Date(i * 1000).toISOString(), stream, line })
  }
  return buffer
}

describe('the lines of a log', () => {
  it('keep their numbers, streams and times', () => {
    const buffer = filled()
    assert.deepEqual(buffer.extent(), { lines: 10, shown: 10, matches: 0, first: 5 })
    assert.deepEqual(buffer.rows(-3, 5), [
      { index: 0, number: 5, timestampMs: 0, stream: 'stderr', line: '\x1b[31mEr\x1b[0mror 0', isMatch: false },
      { index: 1, number: 6, timestampMs: 1000, stream: 'stdout', line: 'line 1', isMatch: false },
    ])
    assert.deepEqual(
      buffer.rows(8, 100).map(({ number }) => number),
      [13, 14],
    )
    assert.deepEqual(buffer.rows(50, 10), [])
  })

  it('are narrowed down to a stream, also those that come later', () => {
    const buffer = filled()
    buffer.setView({ ...ALL, stream: 'stderr' })
    assert.deepEqual(
      buffer.rows(0, 9).map(({ number }) => number),
      [5, 8, 11, 14],
    )
    buffer.add({ number: 15, timestamp: '2026-01-01T00:00:00Z', stream: 'stderr', line: 'last' })
    buffer.add({ number: 16, timestamp: '2026-01-01T00:00:00Z', stream: 'stdout', line: 'not this' })
    assert.deepEqual(buffer.extent(), { lines: 12, shown: 5, matches: 0, first: 5 })
    assert.equal(buffer.rows(4, 9)[0]?.line, 'last')
  })

  it('are found by their text in any case, through their colours', () => {
    const buffer = filled()
    buffer.setView({ ...ALL, search: 'ERROR' })
    assert.equal(buffer.extent().matches, 5)
    assert.deepEqual(
      [-1, 0, 8].map((from) => buffer.seek(from, true)),
      [0, 2, 0],
    )
    assert.deepEqual(
      [10, 8, 0].map((from) => buffer.seek(from, false)),
      [8, 6, 8],
    )
    buffer.setView({ ...ALL, search: '31m' })
    assert.equal(buffer.extent().matches, 0)
    assert.equal(buffer.seek(0, true), -1)
  })

  it('are only those that match, where that is asked', () => {
    const buffer = filled()
    buffer.setView({ stream: 'stdout', search: 'error', onlyMatches: true })
    assert.deepEqual(
      buffer.rows(0, 9).map(({ number, isMatch }) => [number, isMatch]),
      [
        [7, true],
        [9, true],
        [13, true],
      ],
    )
    buffer.setView({ ...ALL, onlyMatches: true })
    assert.equal(buffer.extent().shown, 10)
  })

  it('are saved whole, with their times where that is asked', () => {
    const buffer = filled()
    buffer.setView({ ...ALL, stream: 'stderr' })
    const lines = [...buffer.parts(false)].join('').split('\n')
    assert.equal(lines.length, 11)
    assert.equal(lines[1], 'line 1')
    assert.equal([...buffer.parts(true)].join('').split('\n')[1], '1970-01-01T00:00:01.000Z line 1')
  })

  it('entry 47: begin with the colour that the lines before of their stream left', () => {
    const buffer = createLogBuffer()
    const timestamp = new Date(0).toISOString()
    const lines = ['out \x1b[31mred', 'err', 'out still', 'out \x1b[0mno more', 'out plain']
    for (const [i, line] of lines.entries()) {
      buffer.add({ number: i + 1, timestamp, stream: line.startsWith('err') ? 'stderr' : 'stdout', line })
    }
    assert.deepEqual(
      buffer.rows(0, 9).map(({ style }) => style),
      [undefined, undefined, { fg: 1 }, { fg: 1 }, undefined],
    )
  })

  it('entry 47: are found by what is shown of them', () => {
    const buffer = createLogBuffer()
    buffer.add({ number: 1, timestamp: new Date(0).toISOString(), stream: 'stdout', line: '10 %\r100 %' })
    buffer.setView({ ...ALL, search: '10 %' })
    assert.equal(buffer.extent().matches, 0)
    buffer.setView({ ...ALL, search: '100 %' })
    assert.equal(buffer.extent().matches, 1)
  })

  it('entry 39: are saved to the byte', async () => {
    const buffer = createLogBuffer()
    const add = (number: number, line: string, more: object) =>
      buffer.add({ number, timestamp: new Date(0).toISOString(), stream: 'stdout', line, ...more })
    add(1, '\ufffd\r', { base64: '/w0=' })
    add(2, 'half', { partial: true })
    add(3, ' é', {})
    add(4, '\ufffd', { base64: '/g==', partial: true })
    const saved = Buffer.from(await new Blob([...buffer.parts(false)]).arrayBuffer())
    assert.equal(saved.toString('latin1'), `\xff\r\n${Buffer.from('half é').toString('latin1')}\n\xfe`)
    const stamped = Buffer.from(await new Blob([...buffer.parts(true)]).arrayBuffer()).toString()
    assert.equal(stamped.match(/1970-01-01T00:00:00.000Z /g)?.length, 3)
  })
})
