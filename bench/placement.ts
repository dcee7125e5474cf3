/**
 * Submit to `running` of an image of 300 MB under `performance`, over agents on engines of their own: where one of four
 * holds it, against where all four do, alternating in one run. Beside them, where one of four holds it and nobody can know:
 * through a gateway that asks no registry.
 */

import type { BenchResult } from './run.ts'
import { openPlacementMarket } from './support/placement-market.ts'
import { median, round } from './support/statistics.ts'

const MEGABYTES = 300
/** Jobs of which nobody knows: each has an image of its own. */
const PULLS = 3

/** @param args how many pairs. @default 20 */
export async function bench(args: string[]): Promise<BenchResult> {
  const pairs = Number(args[0] ?? 20)
  await using market = await openPlacementMarket()
  // The dearest, so that its image is why it is picked.
  const holder = market.agents.at(-1) ?? ''
  const heldByOne = async (name: string): Promise<string> => {
    const image = await market.push(name, MEGABYTES)
    await market.start(image, { provider: market.idOf(holder) })
    return image
  }
  const one = await heldByOne('one')
  const all = await market.push('all', MEGABYTES)
  for (const agent of market.agents) await market.start(all, { provider: market.idOf(agent) })

  const [held, everywhere]: [number[], number[]] = [[], []]
  let elsewhere = 0
  for (let i = 0; i < pairs; i += 1) {
    const { agent, ms } = await market.start(one)
    if (agent !== holder) elsewhere += 1
    held.push(ms)
    everywhere.push((await market.start(all)).ms)
  }
  const unknown: number[] = []
  for (let i = 0; i < PULLS; i += 1) {
    unknown.push((await market.start(await heldByOne(`unknown-${i}`), {}, 'unknowing')).ms)
  }
  const figures = {
    ...{ pairs, megabytes: MEGABYTES, heldByOneMs: round(median(held)), heldByAllMs: round(median(everywhere)) },
    // Jobs that did not go to who holds their image.
    elsewhere,
    unknownMs: round(median(unknown)),
  }
  process.stdout.write(`held by one: ${figures.heldByOneMs} ms, by all: ${figures.heldByAllMs} ms, `)
  process.stdout.write(`held by one and not known: ${figures.unknownMs} ms\n`)
  return { name: 'placement', ratio: round(median(held) / median(everywhere), 3), goal: 1.2, ...figures }
}
