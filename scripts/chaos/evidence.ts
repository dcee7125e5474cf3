/** What it takes to look into a violation: the stores of all peers, their words, and what was done to them. */

import { cp, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { World } from './world.ts'

/** Copies it to a folder that stays, and answers which. The processes must be stopped. */
export async function keepEvidence({ market, befallen }: World): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-chaos-'))
  await cp(market.network.folder, join(folder, 'peers'), { recursive: true })
  const told = { befallen, engine: await market.engineEvents() }
  await writeFile(join(folder, 'told.json'), JSON.stringify(told, null, 2))
  return folder
}
