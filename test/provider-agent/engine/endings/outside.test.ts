import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type ContainerEvent,
  endedFromOutside,
  signalNumber,
} from '../../../../provider-agent/engine/endings/outside.ts'

const ENDED = 1_000_000

/** An event so many ms before the container's end. */
function event(action: string, signal: number | null = null, beforeMs = 50): ContainerEvent {
  return { action, signal, atMs: ENDED - beforeMs }
}

describe('entry 25: whether somebody else ended a container', () => {
  const cases: [what: string, events: ContainerEvent[], exitCode: number, stopSignal: string, expected: boolean][] = [
    ['nobody said anything', [], 143, '', false],
    ['SIGKILL', [event('kill', 9)], 137, '', true],
    ['SIGKILL that came when it had ended by itself', [event('kill', 9, -5)], 0, '', false],
    ['SIGTERM', [event('kill', 15)], 143, '', true],
    ['SIGTERM, told a moment after the end', [event('kill', 15, -50)], 143, '', true],
    ['SIGTERM, and it ended well', [event('kill', 15)], 0, '', true],
    ['SIGTERM that it did not mind, and its own end a minute later', [event('kill', 15, 60_000)], 3, '', false],
    ['SIGTERM that it did not mind, and SIGTERM of its own later', [event('kill', 15, 60_000)], 143, '', true],
    ['SIGINT, and it ended with its own code', [event('kill', 2)], 5, '', true],
    ['SIGUSR1 that it has its own use for', [event('kill', 10)], 7, '', false],
    ['SIGUSR1 that killed it', [event('kill', 10)], 138, '', true],
    ['SIGUSR1 that the image names as its stop signal', [event('kill', 10)], 0, 'SIGUSR1', true],
    ['the same as a number', [event('kill', 10)], 0, '10', true],
    ['SIGHUP to read its configuration again', [event('kill', 1)], 0, '', false],
    ['SIGWINCH of a terminal', [event('kill', 28)], 1, '', false],
    ['docker stop', [event('kill', 15), event('stop', null, -20)], 0, '', true],
    ['docker stop of one that ended as it was stopped', [event('stop', null, -20)], 3, '', true],
    ['docker restart', [event('kill', 15), event('stop'), event('restart', null, -100)], 143, '', true],
    ['a kill without a signal, as Podman tells it', [event('kill')], 137, '', true],
    ['the same of one that ended by itself', [event('kill')], 3, '', false],
  ]
  for (const [what, events, exitCode, stopSignal, expected] of cases) {
    it(`${what}: ${expected}`, () => {
      assert.equal(endedFromOutside(events, { exitCode, finishedAtMs: ENDED, stopSignal }), expected)
    })
  }

  it('knows signals by every spelling', () => {
    for (const name of ['SIGTERM', 'TERM', '15']) assert.equal(signalNumber(name), 15)
    for (const name of ['', undefined, 'constructor', 'SIGNOSUCH']) assert.equal(signalNumber(name), null)
  })
})
