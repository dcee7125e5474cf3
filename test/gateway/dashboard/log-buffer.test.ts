import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withFound } from '../../../gateway/dashboard/src/jobs/logs/found-text.ts'
import { timeOf } from '../../../gateway/dashboard/src/jobs/logs/line-time.ts'
import { createLogBuffer, MARKS } from '../../../gateway/dashboard/src/jobs/logs/log-buffer.ts'
import { linesOf, logSearchOf, searchOf, viewOf } from '../../../gateway/dashboard/src/jobs/logs/log-search.ts'
import { spansOf } from '../../../gateway/dashboard/src/jobs/logs/terminal-line.ts'
import { PLAIN } from '../../../gateway/dashboard/src/jobs/logs/text-style.ts'

const ALL = { stream: 'all', attempt: null, search: '', onlyMatches: false } as const

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

/** Has it look at all lines for the view, a few at a time. */
function look(buffer: ReturnType<typeof createLogBuffer>, view: Parameters<typeof buffer.setView>[0]): void {
  buffer.setView(view)
  while (!buffer.look(3)) assert.ok(buffer.extent().shown <= buffer.extent().lines)
}

describe('the lines of a log', () => {
  it('keep their numbers, streams and times', () => {
    const buffer = filled()
    assert.deepEqual(buffer.extent(), { lines: 10, shown: 10, matches: 0, first: 5, attempts: [1] })
    const at = (ms: number) => ({ timestampMs: ms, sinceMs: ms })
    assert.deepEqual(buffer.rows(-3, 5), [
      { index: 0, number: 5, ...at(0), stream: 'stderr', line: '\x1b[31mEr\x1b[0mror 0', isMatch: false },
      { index: 1, number: 6, ...at(1000), stream: 'stdout', line: 'line 1', isMatch: false },
    ])
    assert.deepEqual(
      buffer.rows(8, 100).map(({ number }) => number),
      [13, 14],
    )
    assert.deepEqual(buffer.rows(50, 10), [])
  })

  it('are narrowed down to a stream, also those that come later', () => {
    const buffer = filled()
    look(buffer, { ...ALL, stream: 'stderr' })
    assert.deepEqual(
      buffer.rows(0, 9).map(({ number }) => number),
      [5, 8, 11, 14],
    )
    buffer.add({ number: 15, timestamp: '2026-01-01T00:00:00Z', stream: 'stderr', line: 'last' })
    buffer.add({ number: 16, timestamp: '2026-01-01T00:00:00Z', stream: 'stdout', line: 'not this' })
    assert.deepEqual(buffer.extent(), { lines: 12, shown: 5, matches: 0, first: 5, attempts: [1] })
    assert.equal(buffer.rows(4, 9)[0]?.line, 'last')
  })

  it('are looked at a few at a time, in order, also those that come meanwhile', () => {
    const buffer = filled()
    buffer.setView({ ...ALL, stream: 'stderr' })
    assert.equal(buffer.look(4), false)
    buffer.add({ number: 15, timestamp: '2026-01-01T00:00:00Z', stream: 'stderr', line: 'last' })
    assert.equal(buffer.extent().shown, 2)
    assert.equal(buffer.look(4), false)
    // Another view begins anew.
    buffer.setView({ ...ALL, stream: 'stdout' })
    assert.equal(buffer.look(100), true)
    assert.equal(buffer.extent().shown, 6)
    look(buffer, { ...ALL, stream: 'stderr' })
    assert.deepEqual(
      buffer.rows(0, 9).map(({ number }) => number),
      [5, 8, 11, 14, 15],
    )
  })

  it('are found by their text in any case, through their colours', () => {
    const buffer = filled()
    look(buffer, { ...ALL, search: 'ERROR' })
    assert.equal(buffer.extent().matches, 5)
    assert.deepEqual(
      [-1, 0, 8].map((from) => buffer.seek(from, true)),
      [0, 2, 0],
    )
    assert.deepEqual(
      [10, 8, 0].map((from) => buffer.seek(from, false)),
      [8, 6, 8],
    )
    look(buffer, { ...ALL, search: '31m' })
    assert.equal(buffer.extent().matches, 0)
    assert.equal(buffer.seek(0, true), -1)
  })

  it('are only those that match, where that is asked', () => {
    const buffer = filled()
    look(buffer, { ...ALL, stream: 'stdout', search: 'error', onlyMatches: true })
    assert.deepEqual(
      buffer.rows(0, 9).map(({ number, isMatch }) => [number, isMatch]),
      [
        [7, true],
        [9, true],
        [13, true],
      ],
    )
    look(buffer, { ...ALL, onlyMatches: true })
    assert.equal(buffer.extent().shown, 10)
  })

  it('are saved whole, with their times where that is asked', () => {
    const buffer = filled()
    look(buffer, { ...ALL, stream: 'stderr' })
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
    look(buffer, { ...ALL, search: '10 %' })
    assert.equal(buffer.extent().matches, 0)
    look(buffer, { ...ALL, search: '100 %' })
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

  it('mark each part of the log that has matches once, however many lines are in it', () => {
    for (const lines of [1, 255, 256, 257, 1999]) {
      const buffer = createLogBuffer()
      const found: number[] = []
      for (let place = 0; place < lines; place += 1) {
        const isFound = place % 7 === 0 || place > 1500
        if (isFound) found.push(Math.floor((place * MARKS) / lines))
        const line = isFound ? 'error' : 'fine'
        buffer.add({ number: place + 1, timestamp: '1970-01-01T00:00:00.000Z', stream: 'stdout', line })
      }
      look(buffer, { ...ALL, search: 'error' })
      assert.deepEqual(buffer.marks(), [...new Set(found)], `${lines} lines`)
    }
  })

  it('are counted among the matches, and found by their numbers', () => {
    const buffer = filled()
    look(buffer, { ...ALL, search: 'error' })
    assert.deepEqual(
      [0, 1, 2, 8].map((index) => buffer.matchAt(index)),
      [1, 0, 2, 5],
    )
    assert.deepEqual(
      buffer.marks(),
      [0, 2, 4, 6, 8].map((index) => Math.floor((index * MARKS) / 10)),
    )
    look(buffer, { ...ALL, stream: 'stderr' })
    assert.deepEqual(
      [1, 5, 6, 14, 15].map((number) => buffer.locate(number)),
      [0, 0, 1, 3, -1],
    )
    look(buffer, ALL)
    assert.deepEqual(
      [5, 14, 15].map((number) => buffer.locate(number)),
      [0, 9, -1],
    )
  })

  it('are told apart by their attempts', () => {
    const buffer = createLogBuffer()
    for (const [i, attempt] of [undefined, undefined, 2, 4, 4].entries()) {
      const timestamp = new Date(i * 1000).toISOString()
      buffer.add({ number: i + 1, timestamp, stream: 'stdout', line: `line ${i + 1}`, attempt })
    }
    assert.deepEqual(buffer.extent().attempts, [1, 2, 4])
    assert.deepEqual(
      buffer.rows(0, 9).map(({ begins, sinceMs }) => [begins, sinceMs]),
      [
        [1, 0],
        [undefined, 1000],
        [2, 0],
        [4, 0],
        [undefined, 1000],
      ],
    )
    look(buffer, { ...ALL, attempt: 4 })
    buffer.add({ number: 6, timestamp: '2026-01-01T00:00:00Z', stream: 'stdout', line: 'line 6', attempt: 4 })
    buffer.add({ number: 7, timestamp: '2026-01-01T00:00:00Z', stream: 'stdout', line: 'line 7', attempt: 5 })
    assert.deepEqual(
      buffer.rows(0, 9).map(({ number }) => number),
      [4, 5, 6],
    )
  })

  const failures: [why: string, lines: [stream: 'stdout' | 'stderr', line: string][], index: number][] = [
    [
      'the last that reads like one',
      [
        ['stdout', 'Error: a'],
        ['stderr', 'ValueError: b'],
        ['stdout', 'bye'],
      ],
      1,
    ],
    [
      'through its colours',
      [
        ['stdout', 'npm \x1b[31mER\x1b[0mR!'],
        ['stdout', 'fa\x1b[1mtal'],
        ['stdout', 'bye'],
      ],
      1,
    ],
    [
      'else the last of stderr',
      [
        ['stderr', 'hm'],
        ['stdout', 'bye'],
      ],
      0,
    ],
    [
      'else the last',
      [
        ['stdout', 'hm'],
        ['stdout', 'bye'],
      ],
      1,
    ],
    ['none of no lines', [], -1],
  ]
  for (const [why, lines, index] of failures) {
    it(`say why the job failed: ${why}`, () => {
      const buffer = createLogBuffer()
      for (const [i, [stream, line]] of lines.entries()) {
        buffer.add({ number: i + 1, timestamp: new Date(0).toISOString(), stream, line })
      }
      assert.equal(buffer.failure(), index)
    })
  }
})

describe('the text that is looked for in a line', () => {
  const found = (line: string, search: string) =>
    withFound(spansOf(line, PLAIN), search)
      .map(({ text, isFound }) => (isFound ? `[${text}]` : text))
      .join('|')
  const cases: [line: string, search: string, marked: string][] = [
    ['an Error here', 'error', 'an |[Error]| here'],
    ['ababab', 'ab', '[ab]|[ab]|[ab]'],
    ['aaa', 'aa', '[aa]|a'],
    ['a \x1b[31mre\x1b[0md b', 'red', 'a |[re]|[d]| b'],
    ['a \x1b[31mred\x1b[0m b', '', 'a |red| b'],
    ['nothing', 'else', 'nothing'],
    ['İ error', 'error', 'İ error'],
    ['', 'x', ''],
  ]
  for (const [line, search, marked] of cases) {
    it(`is marked: ${JSON.stringify(search)} in ${JSON.stringify(line)}`, () =>
      assert.equal(found(line, search), marked))
  }
})

describe('the address of a place in a log', () => {
  it('says which lines are shown, and nothing that makes no sense', () => {
    const search = { line: '12-20', find: '12', only: true, stream: 'stderr', attempt: 2 } as const
    assert.deepEqual(logSearchOf({ ...search, find: 12, else: 1 }), search)
    assert.deepEqual(searchOf(viewOf(search)), { find: '12', only: true, stream: 'stderr', attempt: 2 })
    const wrong = { line: '0', find: '', only: 'yes', stream: 'both', attempt: -1 }
    assert.deepEqual(logSearchOf(wrong), {})
    assert.deepEqual(viewOf({}), ALL)
  })

  it('is a line, or the lines between two', () => {
    assert.deepEqual(
      [linesOf('12'), linesOf('20-12')],
      [
        { from: 12, to: 12 },
        { from: 12, to: 20 },
      ],
    )
    assert.deepEqual(['', '1-', '-1', '01', '1.5', '9'.repeat(16), undefined].map(linesOf), Array(7).fill(null))
  })
})

describe('the time of a line', () => {
  it('is of the world, or since the first one', () => {
    const row = { timestampMs: Date.UTC(2026, 10, 28, 22, 15, 3, 120), sinceMs: 90_061_005 }
    assert.equal(timeOf(row, 'utc'), '2026-11-28T22:15:03.120Z')
    assert.equal(timeOf(row, 'since'), '+25:01:01.005')
    assert.equal(timeOf({ ...row, sinceMs: -5 }, 'since'), '-00:00:00.005')
  })
})
