import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Outbox, type OutboxEntry, outboxKey, parseOutboxKey } from '../../../provider-agent/journal/outbox.ts'

const LEASE = 'job_000000000000-1'

const entry = (sequence: number, fields: Partial<OutboxEntry> = {}): OutboxEntry => ({
  kind: 'state',
  sequence,
  firstSequence: sequence,
  bytes: 100,
  lastLine: 0,
  lines: 0,
  written: true,
  ...fields,
})

const lines = (sequence: number, lastLine: number, count: number): OutboxEntry =>
  entry(sequence, { kind: 'lines', lastLine, lines: count })

describe('outbox', () => {
  it('keeps every figure in the key, and keys in the order of their numbers', () => {
    const kind = fc.constantFrom('lines' as const, 'sample' as const, 'state' as const)
    const number = fc.maxSafeNat()
    const figures = { kind, sequence: number, firstSequence: number, bytes: number, lastLine: number, lines: number }
    fc.assert(
      fc.property(fc.record(figures), fc.record(figures), (a, b) => {
        const [first, second] = [a, b].map((fields) => ({ ...fields, written: true }))
        assert.ok(first && second)
        assert.deepEqual(parseOutboxKey(outboxKey(LEASE, first)), { leaseId: LEASE, entry: first })
        const ordered = Math.sign(first.sequence - second.sequence)
        const byKey = outboxKey(LEASE, first) < outboxKey(LEASE, second) ? -1 : 1
        assert.ok(ordered === 0 || ordered === byKey)
      }),
    )
    assert.equal(parseOutboxKey('something else'), null)
  })

  it('hands out what is written and after a number, in order, within a size', () => {
    const outbox = new Outbox(LEASE)
    for (let i = 1; i <= 5; i += 1) outbox.push(entry(i, { written: i < 5 }))
    const after = (sequence: number, bytes: number) => outbox.after(sequence, bytes).map((found) => found.sequence)
    assert.deepEqual(after(0, 1_000), [1, 2, 3, 4])
    assert.deepEqual(after(2, 1_000), [3, 4])
    assert.deepEqual(after(0, 250), [1, 2])
    assert.deepEqual(after(0, 1), [1], 'one, however large')
    assert.deepEqual(after(4, 1_000), [], 'not before it is written')
  })

  it('counts what it holds', () => {
    const outbox = new Outbox(LEASE)
    const empty = outbox.bytes
    outbox.push(entry(1))
    outbox.push(entry(2))
    assert.ok(outbox.bytes >= 200)
    assert.deepEqual(
      outbox.takeUpTo(1).map(({ sequence }) => sequence),
      [1],
    )
    outbox.takeUpTo(9)
    assert.equal(outbox.bytes, empty)
  })

  it('plans to drop the oldest lines and samples, one marker for each unbroken run, and never what tells of the state', () => {
    const outbox = new Outbox(LEASE)
    outbox.push(entry(1))
    outbox.push(lines(2, 10, 10))
    outbox.push(entry(3, { kind: 'sample' }))
    outbox.push(lines(4, 15, 5))
    outbox.push(entry(5))
    outbox.push(lines(6, 20, 5))
    outbox.push(lines(7, 30, 10))
    const cuts = outbox.plan(4 * 260 - 100)
    assert.deepEqual(
      cuts.map(({ dropped, ...cut }) => [dropped.map(({ sequence }) => sequence), cut]),
      [
        [[2, 3, 4], { firstSequence: 2, sequence: 4, lastLine: 15, lines: 15 }],
        [[6], { firstSequence: 6, sequence: 6, lastLine: 20, lines: 5 }],
      ],
    )
    const [cut] = cuts
    assert.ok(cut)
    const marker = { ...entry(4), kind: 'lines' as const, firstSequence: 2, lastLine: 15, lines: 15, bytes: 50 }
    const before = outbox.bytes
    outbox.replace(cut, marker)
    assert.ok(outbox.bytes < before)
    assert.deepEqual(
      outbox.after(0, 10_000).map(({ sequence }) => sequence),
      [1, 4, 5, 6, 7],
    )
    // The next time the marker is the oldest, and becomes part of a larger one.
    const [next] = outbox.plan(1)
    assert.equal(next, undefined, 'a marker alone gives way to nothing')
    outbox.takeUpTo(1)
    assert.deepEqual(
      outbox.plan(900).map(({ firstSequence, sequence, lines: count }) => [firstSequence, sequence, count]),
      [[6, 7, 15]],
    )
  })
})
