/** A market in memory: one requester, three providers with their machines, the network between them, and time. */

import type { Logger } from '../../../node/logger.ts'
import { jobSubmissionSchema } from '../../../protocol/job-spec.ts'
import { createMemoryHub, type MemoryHub, type MemoryPeer } from '../../support/memory-network.ts'
import { createMachine, programArgs } from './machine.ts'
import { createModelClock, type ModelClock, quiet } from './model-clock.ts'
import { createProvider, type Provider } from './provider.ts'
import { createRequesterActor, type RequesterActor } from './requester.ts'
import { MACHINES, type Step, type Submission, type Who } from './steps.ts'
import { CALM, createWeather, type Weather } from './weather.ts'
import { createWitness, type Witness } from './witness.ts'

/** What the model knows of a job that it asked for. */
export interface JobNote {
  /** Null where the requester died before it answered. */
  id: string | null
  submission: Submission
  cancelled: boolean
  /** Seconds by which it was to be extended, and whether the requester said yes; null where it said nothing. */
  extensions: { seconds: number; ok: boolean | null }[]
}

export interface World {
  readonly time: ModelClock
  readonly hub: MemoryHub
  readonly weather: Weather
  readonly requester: RequesterActor
  readonly providers: Provider[]
  readonly witness: Witness
  readonly jobs: JobNote[]
  /** What must never happen, and did. */
  readonly violations: string[]
  /** Whether the step would change anything. */
  isPossible(step: Step): boolean
  perform(step: Step): Promise<void>
}

/** Tells of what happens, where somebody listens. */
export type Note = (text: () => string) => void

/** How long an agent may take, once its engine is back, to end a container that it should have ended before, in ms. */
const CATCH_UP_MS = 25_000

export interface WorldInit {
  seed: number
  /** How many of {@link MACHINES} there are. */
  machines: number
  note?: (text: string) => void
}

export async function createWorld(init: WorldInit): Promise<World> {
  const time = createModelClock()
  const violations: string[] = []
  const jobs: JobNote[] = []
  const weather = createWeather(init.seed)
  const hub = createMemoryHub({ clock: time.process({ wallOffsetMs: 0, bootId: 'network' }).clock, rule: weather.rule })

  const note: Note = (text) => init.note?.(`${(time.elapsedMs / 1000).toFixed(3).padStart(9)}  ${text()}`)
  function onViolation(what: string): void {
    note(() => `VIOLATION ${what}`)
    violations.push(`at ${time.elapsedMs} ms: ${what}`)
  }
  function onFault(what: string, error: unknown): void {
    onViolation(`${what}: ${error instanceof Error ? error.stack : String(error)}`)
  }

  function wasHelpless(index: number): boolean {
    const { engineBackAtMs } = (providers[index] as Provider).machine
    const since = time.elapsedMs - CATCH_UP_MS
    return engineBackAtMs === null || engineBackAtMs > since
  }

  const witness = createWitness({ time, onViolation, note, wasHelpless })
  const logger = faultLogger(onFault, note)
  const requester = await createRequesterActor({ hub, time, logger, tap: witness.requesterTap, onFault })
  const providers = await Promise.all(
    MACHINES.slice(0, init.machines).map(async (cpuMillis, index) => {
      const machine = createMachine({ time }, { index, cpuMillis, onStart: witness.started, onEnd: witness.ended })
      return await createProvider({ hub, time, logger, machine, tap: witness.providerTap, onFault })
    }),
  )
  await requester.boot()
  for (const provider of providers) await provider.boot()
  await quiet()

  function actor(who: Who): Provider | RequesterActor | undefined {
    return who === 'requester' ? requester : providers[who]
  }

  function submit(submission: Submission): void {
    const market = requester.process?.market
    if (market == null) return
    const job: JobNote = { id: null, submission, cancelled: false, extensions: [] }
    const { key, ...body } = submission
    const idempotency = key === null ? {} : { idempotency: { key: String(key), digest: JSON.stringify(body) } }
    market.submit({ owner: 'local', spec: specOf(submission), ...idempotency }).then(
      ({ job: { id } }) => {
        job.id = id
        if (!jobs.some((known) => known.id === id)) jobs.push(job)
        note(() => `job ${id}`)
      },
      (error) => {
        if (error.code !== 'IDEMPOTENCY_CONFLICT') onFault('a job was not taken', error)
      },
    )
  }

  function cancel(nth: number): void {
    const market = requester.process?.market
    const job = jobs[nth % Math.max(1, jobs.length)]
    if (market == null || job?.id == null) return
    market.cancel(job.id).then(
      () => {
        job.cancelled = true
      },
      (error) => {
        if (error.code !== 'JOB_STATE_CONFLICT') onFault('a job was not cancelled', error)
      },
    )
  }

  function extend(nth: number, seconds: number): void {
    const { process } = requester
    const job = jobs[nth % Math.max(1, jobs.length)]
    if (process?.market == null || job?.id == null) return
    const extension = { seconds, ok: null as boolean | null }
    job.extensions.push(extension)
    process.market.extend(job.id, seconds).then(
      () => {
        extension.ok = true
      },
      (error) => {
        extension.ok = error.code === 'JOB_STATE_CONFLICT' ? false : null
        const expected = ['JOB_STATE_CONFLICT', 'PROVIDER_CONFLICT'].includes(error.code) || process.stopping
        if (!expected) onFault('a job was not extended', error)
      },
    )
  }

  function partition(mask: number, stall: boolean): void {
    const near = providers.filter(({ index }) => (mask & (1 << index)) === 0)
    // Only the ids count, so that one who boots later is in its place.
    const group = [requester, ...near].map(({ peerId }) => ({ network: { peerId } }) as MemoryPeer)
    hub.partition([group], stall ? 'stall' : 'break')
  }

  async function act(step: Step): Promise<void> {
    switch (step.do) {
      case 'submit':
        return submit(step.job)
      case 'cancel':
        return cancel(step.job)
      case 'extend':
        return extend(step.job, step.seconds)
      case 'advance':
        return await time.advance(step.ms)
      case 'kill':
        if (step.acts === 0) actor(step.who)?.kill()
        else actor(step.who)?.process?.life.dieBefore(step.acts)
        return
      case 'stop':
        return actor(step.who)?.stop()
      case 'boot':
        if (step.who !== 'requester') providers[step.who]?.machine.begin()
        return await actor(step.who)?.boot()
      case 'powerOff':
        providers[step.provider]?.kill()
        return providers[step.provider]?.machine.powerOff()
      case 'engine':
        return providers[step.provider]?.machine.setEngineGone(step.gone)
      case 'drain': {
        const agent = providers[step.provider]?.process?.agent
        // It holds at once. A process that dies, or a disk that is full, never says that it is written down.
        void (step.on ? agent?.drain() : agent?.resume())?.catch(() => undefined)
        return
      }
      case 'diskFull': {
        const provider = providers[step.provider]
        if (provider !== undefined) provider.machine.diskFull = step.on
        return
      }
      case 'cut':
        return partition(step.mask, step.stall)
      case 'heal':
        return hub.heal()
      case 'hold': {
        const link = [requester.peerId, providers[step.provider]?.peerId ?? '']
        weather.held.add(step.to === 'provider' ? link.join('>') : link.reverse().join('>'))
        return
      }
      case 'letGo':
        weather.held.clear()
        return hub.release()
      case 'weather':
        weather.forecast = step.forecast
        return
      case 'replay': {
        const old = witness.requests.at(-1 - step.nth)
        if (old !== undefined) hub.inject(old.topic, old.data, requester.peerId)
        return
      }
      case 'setClock': {
        if (step.who === 'requester') requester.machine.wallOffsetMs = step.offsetMs
        else providers[step.who]?.machine.setClock(step.offsetMs)
      }
    }
  }

  function isPossible(step: Step): boolean {
    switch (step.do) {
      case 'submit':
        return requester.process?.market != null
      case 'cancel':
      case 'extend':
        return requester.process?.market != null && jobs.length > 0
      case 'kill':
      case 'stop':
        return actor(step.who)?.process != null
      case 'boot':
        return actor(step.who)?.process === null
      case 'setClock':
        return actor(step.who) !== undefined && actor(step.who)?.machine.wallOffsetMs !== step.offsetMs
      case 'cut':
        return step.mask < 1 << providers.length
      case 'powerOff':
      case 'engine':
      case 'drain':
      case 'diskFull':
      case 'hold':
        return step.provider < providers.length
      case 'letGo':
        return weather.held.size > 0
      default:
        return true
    }
  }

  return {
    time,
    hub,
    weather,
    requester,
    providers,
    witness,
    jobs,
    violations,
    isPossible,
    async perform(step) {
      note(() => `--- ${JSON.stringify(step)}`)
      await act(step)
      await quiet()
    },
  }
}

/** How long a process may take to end after it was asked to, in ms. */
const STOP_MS = 30_000

/** Back to fair weather: nothing is lost, held or cut any more, everyone is up. */
export async function calm(world: World): Promise<void> {
  const actors = [world.requester, ...world.providers]
  for (const { process } of actors) process?.life.dieBefore(Number.POSITIVE_INFINITY)
  world.weather.forecast = CALM
  await world.perform({ do: 'letGo' })
  await world.perform({ do: 'heal' })
  if (actors.some(({ process }) => process?.stopping)) await world.perform({ do: 'advance', ms: STOP_MS })
  if (actors.some(({ process }) => process?.stopping)) world.violations.push('a process was asked to end and did not')
  for (const { index } of world.providers) {
    await world.perform({ do: 'engine', provider: index, gone: false })
    await world.perform({ do: 'boot', who: index })
    await world.perform({ do: 'drain', provider: index, on: false })
    await world.perform({ do: 'diskFull', provider: index, on: false })
  }
  await world.perform({ do: 'boot', who: 'requester' })
}

const specs = new Map<string, ReturnType<typeof jobSubmissionSchema.parse>>()

function specOf(submission: Submission) {
  const { program, secret, key, ...fields } = submission
  const text = JSON.stringify({ ...fields, program, secret })
  const known = specs.get(text)
  if (known !== undefined) return known
  const spec = jobSubmissionSchema.parse({
    ...fields,
    memory: '64Mi',
    args: programArgs(program, fields.onDisconnect),
    secrets: secret ? { WORD: 'x' } : {},
  })
  specs.set(text, spec)
  return spec
}

function describe(fields: object): string {
  return JSON.stringify(fields, (_name, value) => (value instanceof Error ? String(value) : value))
}

/** In a run without bugs no part has an error to log. */
function faultLogger(onFault: (what: string, error: unknown) => void, note: Note): Logger {
  const plain = (level: string) => (fields: object, text?: string) => note(() => `${level} ${text} ${describe(fields)}`)
  const logger = {
    debug: plain('debug'),
    info: plain('info'),
    warn: plain('warn'),
    error: (fields: { error?: unknown }, text: string) => onFault(`error logged: ${text}`, fields.error ?? fields),
    child: () => logger,
  }
  return logger as unknown as Logger
}
