/**
 * From submission to end of a job while three of ten peers are hostile, against the same market without them: a gateway
 * and seven agents as processes on the engine, jobs one after the other, calm and attacked in turn. The hostile bid next
 * to nothing and refuse or fail what they win, ask for what they never take, announce in others' names, and open streams
 * for nonsense and nothing; what they got done is counted, and each kind has to have happened. They run at the lowest
 * priority, of the process and of its session, so that their own work on the same cores is not taken for harm; what they
 * make the others do is. A core that is busy with anything is slower for all, so the calm market has as many processes of
 * that priority beside it, which only count; how it is without them is told, too (`aloneMs`). The first jobs after each
 * change are left out: those under attack pay for finding out
 * (`firstMs`). Arguments: jobs of each kind (40), and the only attacks to be made, as `flood,forge`.
 */

import { loadavg } from 'node:os'
import { DEFAULT_NETWORK } from '../protocol/topics.ts'
import type { BenchResult } from './run.ts'
import { addHarm, startHostilePeers } from './support/hostile-peers.ts'
import type { Harm, HostileKind } from './support/hostile-program.ts'
import { startIdleWork } from './support/idle-work.ts'
import { benchNetwork } from './support/network.ts'
import { createUse } from './support/processor-use.ts'
import { median, quantile, round } from './support/statistics.ts'

const HONEST = 7
/** What each of the hostile does. */
const HOSTILE: HostileKind[][] = [
  ['refuse', 'flood'],
  ['fail', 'flood'],
  ['forge', 'streams'],
]
const ROUNDS = 2
const WARM_UP = 5
const JOB = { command: ['true'], cpu: 250, memory: '64Mi', storage: '64Mi', duration: 60 }

/** When it was heard, in ms since the submission; the last award and start, where there were several. */
interface Times {
  awardedMs: number
  startedMs: number
  endedMs: number
}

type Medians = [alone: number, calm: number, attacked: number]

export async function bench(args: string[]): Promise<BenchResult> {
  const jobs = Number(args[0] ?? 40)
  const only = args[1]?.split(',')
  const hostile = HOSTILE.map((kinds) => kinds.filter((kind) => only?.includes(kind) ?? true))
  await using setup = await benchNetwork(HONEST, ['--memory', '4Gi', '--storage', '8Gi'])
  const { api, image, peer } = setup
  const sellers = (await api.providers()).map(({ id }) => id)
  const market = { network: DEFAULT_NETWORK, gateway: peer, image, sellers }

  const [alone, calm, attacked, first]: [Times[], Times[], Times[], Times[]] = [[], [], [], []]
  const calmUse = createUse(setup.pids)
  const attackedUse = createUse(setup.pids)
  let completed = 0
  let harm: Harm | null = null

  /** One job after the other. */
  async function runJobs(count: number): Promise<Times[]> {
    const took: Times[] = []
    while (took.length < count) {
      const beganMs = performance.now()
      const { id } = await api.submit({ image, ...JOB })
      let [awardedMs, startedMs] = [Number.NaN, Number.NaN]
      await api.events(id, ({ type }) => {
        if (type === 'scheduled') awardedMs = performance.now() - beganMs
        if (type === 'started') startedMs = performance.now() - beganMs
      })
      took.push({ awardedMs, startedMs, endedMs: performance.now() - beganMs })
      const { status, assignedProvider } = await api.job(id)
      if (status === 'completed' && sellers.includes(assignedProvider ?? '')) completed += 1
    }
    return took
  }

  for (let i = 0; i < ROUNDS; i += 1) {
    const share = Math.floor((jobs * (i + 1)) / ROUNDS) - Math.floor((jobs * i) / ROUNDS)
    await runJobs(WARM_UP)
    alone.push(...(await runJobs(share)))
    say(`alone: ${round(median(endsOf(alone.slice(-share))))} ms`)
    {
      using _work = startIdleWork(HOSTILE.length)
      await runJobs(WARM_UP)
      calm.push(...(await calmUse.during(async () => await runJobs(share))))
    }
    say(`calm: ${round(median(endsOf(calm.slice(-share))))} ms`)
    const attackers = await startHostilePeers(market, hostile)
    first.push(...(await runJobs(WARM_UP)))
    attacked.push(...(await attackedUse.during(async () => await runJobs(share))))
    const done = await attackers.stop()
    harm = harm === null ? done : addHarm(harm, done)
    say(
      `attacked: ${round(median(endsOf(attacked.slice(-share))))} ms; the hostile, at the lowest priority: ${JSON.stringify(done)}`,
    )
  }

  const missing = Object.entries(harm ?? {}).filter(([, count]) => count === 0)
  if (only === undefined && missing.length > 0) throw new Error(`Nobody tried: ${missing.map(([kind]) => kind)}`)
  const [aloneMs, calmMs, attackedMs] = [alone, calm, attacked].map((times) => median(endsOf(times))) as Medians
  return {
    ...{ name: 'attack', ratio: round(attackedMs / calmMs, 3), goal: 1.2, jobs },
    ...{ calmMs: round(calmMs), attackedMs: round(attackedMs) },
    ...{ aloneMs: round(aloneMs), toAlone: round(attackedMs / aloneMs, 3) },
    ...{ calmP90Ms: round(quantile(endsOf(calm), 0.9)), attackedP90Ms: round(quantile(endsOf(attacked), 0.9)) },
    path: { calm: pathOf(calm), attacked: pathOf(attacked) },
    firstMs: endsOf(first).map((ms) => round(ms, 0)),
    // Of all, with the first ones.
    ended: 3 * (jobs + ROUNDS * WARM_UP),
    completedAtHonest: completed,
    // Cores that the gateway and the seven agents took together.
    cores: { calm: calmUse.cores(), attacked: attackedUse.cores() },
    harm,
    load: round(loadavg()[0] ?? 0),
  }
}

function endsOf(times: Times[]): number[] {
  return times.map(({ endedMs }) => endedMs)
}

/** The median of each step. */
function pathOf(times: Times[]): Times {
  const middle = (step: keyof Times): number => round(median(times.map((one) => one[step])))
  return { awardedMs: middle('awardedMs'), startedMs: middle('startedMs'), endedMs: middle('endedMs') }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
