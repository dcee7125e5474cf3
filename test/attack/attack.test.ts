/**
 * Every hostile input, thrown at a gateway and an agent on a real engine. After each area both still run, their loops were
 * never held by one piece of work, and they took no more memory than they may.
 */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { allInputs } from './support/all-inputs.ts'
import type { HostileInput } from './support/inputs.ts'
import { type RunningTarget, startTarget } from './support/target.ts'
import { type Hold, LONG_MS, MOST_HEAP_BYTES } from './support/vitals.ts'

/** Inputs at the same time. */
const AT_ONCE = 8
/** Longest that anything may keep a process from all its other work, in ms of its own work on a machine as fast as usual. */
const LONGEST_HELD_MS = LONG_MS
/** How long after its end an input may still have work done, in ms. */
const AFTER_MS = 3_000
/** How often in a row a single input has to hold a process, so that it is its doing. */
const TRIES = 4

let target: RunningTarget
/** When each input was tried last, as `Date.now` has it. */
const tried = new Map<HostileInput, { fromMs: number; toMs: number }>()
before(async () => {
  target = await startTarget({ runtime: process.env.CORTEX_ATTACK_RUNTIME })
})
after(async () => await target?.[Symbol.asyncDispose]())

for (const { name, inputs } of await allInputs()) {
  describe(name, () => {
    before(async () => await beginAnew())
    describe('inputs', { concurrency: AT_ONCE }, () => {
      for (const input of inputs) it(input.name, async () => await attempt(input))
    })
    it('leaves gateway and agent running, their loops free and their memory bounded', async () => {
      const excess = await findExcess()
      assert.deepEqual(excess.heap, [])
      assert.deepEqual(excess.held.length === 0 ? [] : await findHolders(suspects(inputs, excess.holds)), [])
    })
  })
}

async function attempt(input: HostileInput): Promise<void> {
  const fromMs = Date.now()
  tried.set(input, { fromMs, toMs: Number.POSITIVE_INFINITY })
  try {
    await input.attempt(target)
  } finally {
    tried.set(input, { fromMs, toMs: Date.now() })
  }
}

/** Those that were tried when a process was held, or shortly before; all, where none was. */
function suspects(inputs: HostileInput[], holds: Hold[]): HostileInput[] {
  const near = inputs.filter((input) => {
    const { fromMs, toMs } = tried.get(input) ?? { fromMs: 0, toMs: Number.POSITIVE_INFINITY }
    return holds.some((hold) => fromMs <= hold.toMs && toMs + AFTER_MS >= hold.fromMs)
  })
  return near.length === 0 ? inputs : near
}

async function beginAnew(): Promise<void> {
  await Promise.all(target.processes.map(async (process) => await process.beginAnew()))
}

/**
 * Those of the inputs that hold a process, found by halves: what an input does, it does each time, alone as among others. Code
 * that runs for the first time, or a machine so full that a collection of garbage gets no help, is nobody's attack.
 */
async function findHolders(inputs: HostileInput[]): Promise<string[]> {
  let held: string[] = []
  for (let tries = inputs.length === 1 ? TRIES : 1; tries > 0; tries -= 1) {
    await beginAnew()
    for (let i = 0; i < inputs.length; i += AT_ONCE) {
      await Promise.allSettled(inputs.slice(i, i + AT_ONCE).map(attempt))
    }
    held = (await findExcess()).held
    if (held.length === 0) return []
  }
  const [only, ...others] = inputs
  if (only === undefined || others.length === 0) return held.map((what) => `${only?.name}: ${what}`)
  const half = Math.ceil(inputs.length / 2)
  return [...(await findHolders(inputs.slice(0, half))), ...(await findHolders(inputs.slice(half)))]
}

async function findExcess(): Promise<{ held: string[]; holds: Hold[]; heap: string[] }> {
  const held: string[] = []
  const holds: Hold[] = []
  const heap: string[] = []
  for (const process of target.processes) {
    assert.ok(process.running, `${process.name} ended:\n${process.output()}`)
    const { heldMs, heapBytes, slowness, holds: some } = await process.vitals()
    if (heldMs > LONGEST_HELD_MS * slowness) {
      holds.push(...some.filter((hold) => hold.heldMs > LONGEST_HELD_MS * slowness))
      const speed = `on a machine that takes ${slowness.toFixed(1)} times as long as usual`
      held.push(`${process.name} was held for ${Math.round(heldMs)} ms of its own work ${speed}`)
    }
    if (heapBytes > MOST_HEAP_BYTES) heap.push(`${process.name} took ${Math.round(heapBytes / 2 ** 20)} MiB of heap`)
  }
  return { held, holds, heap }
}
