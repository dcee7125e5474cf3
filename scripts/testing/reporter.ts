/**
 * A reporter for `node:test` that writes one JSON record a line: what the runner needs to count, name and time the tests
 * of a file. Only leaves are told: a suite, or a test with subtests, stands for nothing but the tests in it, unless it
 * failed by itself (a hook, or its own code).
 */
import type { TestEvent } from 'node:test/reporters'
import { inspect, stripVTControlCharacters } from 'node:util'
import { processorMs, spent } from './spent.ts'

export type TestRecord =
  /** A test begins to run; `name` is its own, without those around it. */
  | { type: 'start'; name: string }
  | {
      type: 'passed' | 'failed' | 'skipped'
      name: string
      durationMs: number
      line: number
      /** Why, where it failed or was skipped. */
      reason: string
    }
  /** An outermost suite is over. `processorMs` is 0 where it is no file's. */
  | { type: 'suite'; name: string; durationMs: number; processorMs: number }
  /** Always the last one; where it is missing, the process ended in the middle of its tests. */
  | { type: 'end'; processorMs: number }

// biome-ignore lint/style/noDefaultExport: how Node finds a reporter in a module
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const record of records(events)) yield `${JSON.stringify(record)}\n`
}

async function* records(events: AsyncIterable<TestEvent>): AsyncGenerator<TestRecord> {
  /** Names from the outermost suite to the test that runs, by nesting. */
  const names: string[] = []
  /** By nesting: whether a test was reported there since the last one a level further out. Children come first. */
  const reported: boolean[] = []

  for await (const event of events) {
    if (event.type === 'test:dequeue') {
      yield { type: 'start', name: event.data.name }
    } else if (event.type === 'test:start') {
      names.length = event.data.nesting
      names.push(event.data.name)
    } else if (event.type === 'test:pass' || event.type === 'test:fail') {
      const { nesting, details, skip, todo, line } = event.data
      const isParent = details.type === 'suite' || reported[nesting + 1] === true
      reported.length = nesting
      reported[nesting] = true

      const base = { name: names.slice(0, nesting).concat(event.data.name).join(' › '), line: line ?? 0 }
      const timed = { ...base, durationMs: Math.round(details.duration_ms) }
      if (nesting === 0 && details.type === 'suite') {
        const { name, durationMs } = timed
        yield { type: 'suite', name, durationMs, processorMs: spent.of(name) }
      }
      if (isSet(skip) || isSet(todo)) {
        if (!isParent) yield { ...timed, type: 'skipped', reason: String(skip ?? todo) }
      } else if (event.type === 'test:fail') {
        const { failureType, cause } = event.data.details.error as Error & { failureType?: string }
        if (isParent && failureType === 'subtestsFailed') continue
        yield { ...timed, type: 'failed', reason: stripVTControlCharacters(inspect(cause, { depth: 5 })) }
      } else if (!isParent) {
        yield { ...timed, type: 'passed', reason: '' }
      }
    }
  }
  yield { type: 'end', processorMs: processorMs() }
}

function isSet(mark: string | boolean | undefined): boolean {
  return mark !== undefined && mark !== false
}
