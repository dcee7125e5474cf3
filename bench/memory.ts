/**
 * What stored jobs take of a gateway's memory: the resident set of one that has 100,000 ended jobs and has listed them,
 * against the same gateway when it had none. `npm run -s bench -- memory 1000000` stores another number.
 */

import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { openDatabase } from '../node/store/database.ts'
import { startLocalNetwork } from '../scripts/local-network.ts'
import type { BenchResult } from './run.ts'
import { fillJobs } from './support/fill-store.ts'
import { residentMiB } from './support/resident.ts'
import { round } from './support/statistics.ts'

const JOBS = 100_000
const SETTLE_MS = 5_000
/** Pages of 100 that are read before the memory is: the store's caches are filled then. */
const PAGES = 20

export async function bench(args: string[]): Promise<BenchResult> {
  const jobs = Number(args[0] ?? JOBS)
  const network = await startLocalNetwork({ dockerHost: '', agents: [], gatewayFlags: ['--rate-limit', '0'] })
  try {
    const [gateway] = network.processes
    if (gateway === undefined) throw new Error('no gateway')
    const restarted = async (): Promise<number> => {
      gateway.restart()
      while ((await fetch(`${network.url}/api/health`).catch(() => null))?.ok !== true) await delay(100)
      await readPages(network.url, network.key)
      await delay(SETTLE_MS)
      const residentNow = await residentMiB(gateway.pid)
      await gateway.end()
      return residentNow
    }
    await gateway.end()
    const emptyMiB = await restarted()
    const database = await openDatabase(join(network.folder, 'gateway'))
    await fillJobs(database, jobs)
    await database.close()
    await restarted() // makes the indexes of what was written
    const filledMiB = await restarted()
    return {
      ...{ name: 'memory', ratio: round(filledMiB / emptyMiB, 2), jobs },
      ...{ emptyMiB: round(emptyMiB, 0), filledMiB: round(filledMiB, 0) },
      perThousandJobsKiB: round(((filledMiB - emptyMiB) * 1024) / (jobs / 1000), 1),
    }
  } finally {
    await network.stop()
  }
}

async function readPages(url: string, key: string): Promise<void> {
  let cursor: string | null = ''
  for (let page = 0; page < PAGES && cursor !== null; page += 1) {
    const answer = await fetch(`${url}/api/plugin-core/jobs?limit=100${cursor && `&cursor=${cursor}`}`, {
      headers: { Authorization: `Bearer ${key}` },
    })
    const { meta } = (await answer.json()) as { meta: { pagination: { nextCursor: string | null } } }
    cursor = meta.pagination.nextCursor
  }
}
