/**
 * What stored jobs take of a gateway's memory: the resident set of one that has 100,000 ended jobs and has listed them,
 * against the same gateway when it had none. `npm run -s bench -- memory 1000000` stores another number.
 */

import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CortexClient } from '../gateway/client/client.ts'
import { openDatabase } from '../node/store/database.ts'
import { answers, startLocalNetwork } from '../scripts/local-network.ts'
import type { BenchResult } from './run.ts'
import { fillJobs } from './support/fill-store.ts'
import { residentMiB } from './support/resident.ts'
import { round } from './support/statistics.ts'

const JOBS = 100_000
const SETTLE_MS = 5_000
/** Jobs that are listed before the memory is read: the store's caches are filled then. */
const LISTED = 2_000

export async function bench(args: string[]): Promise<BenchResult> {
  const jobs = Number(args[0] ?? JOBS)
  const network = await startLocalNetwork({ dockerHost: '', agents: [], gatewayFlags: ['--rate-limit', '0'] })
  try {
    const [gateway] = network.processes
    if (gateway === undefined) throw new Error('no gateway')
    const client = new CortexClient({ baseUrl: network.url, apiKey: network.key })
    const restarted = async (): Promise<number> => {
      gateway.restart()
      await answers(`${network.url}/api/health`, [gateway])
      let left = LISTED
      for await (const _ of client.jobs.all()) {
        left -= 1
        if (left === 0) break
      }
      await delay(SETTLE_MS)
      const resident = await residentMiB(gateway.pid)
      await gateway.end()
      return resident
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
