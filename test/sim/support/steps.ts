/** What can happen in a run of the model, as plain data: printed, kept and played again as it is. */

import fc from 'fast-check'
import { MISSING_IMAGE, type Program, SLOW_IMAGE } from './machine.ts'
import type { Forecast } from './weather.ts'

/** The cores of each machine. */
export const MACHINES = [2_000, 3_000, 3_000] as const

export interface Submission {
  cpu: number
  program: Program
  image: string
  duration: number
  stopGraceSeconds: number
  queueTimeout: number
  maxAttempts: number
  retryOnFailure: boolean
  onDisconnect: 'continue' | 'stop'
  leaseTimeout: number
  /** Whether it holds a secret: then a provider that restarts cannot make its container again. */
  secret: boolean
  /** Submissions with the same key are the same job. */
  key: number | null
}

/** The requester, or a provider by its number. */
export type Who = 'requester' | number

export type Step =
  | { do: 'submit'; job: Submission }
  | { do: 'cancel'; job: number }
  | { do: 'extend'; job: number; seconds: number }
  | { do: 'advance'; ms: number }
  /** Dies before its nth act from now on; 0 is at once. */
  | { do: 'kill'; who: Who; acts: number }
  | { do: 'stop'; who: Who }
  | { do: 'boot'; who: Who }
  /** The machine loses its power, and with it its containers. */
  | { do: 'powerOff'; provider: number }
  | { do: 'engine'; provider: number; gone: boolean }
  | { do: 'drain'; provider: number; on: boolean }
  | { do: 'diskFull'; provider: number; on: boolean }
  /** Cuts providers off, those whose bit is set. */
  | { do: 'cut'; mask: number; stall: boolean }
  | { do: 'heal' }
  /** What travels one way between the requester and a provider waits. */
  | { do: 'hold'; provider: number; to: 'provider' | 'requester' }
  | { do: 'letGo' }
  | { do: 'weather'; forecast: Forecast }
  /** An old request is heard once more. */
  | { do: 'replay'; nth: number }
  /** The wall clock is set anew. */
  | { do: 'setClock'; who: Who; offsetMs: number }

const provider = fc.nat(MACHINES.length - 1)
const who: fc.Arbitrary<Who> = fc.oneof(fc.constant('requester' as const), provider)
const nth = fc.nat(7)

const program: fc.Arbitrary<Program> = fc.record({
  lines: fc.nat(6),
  everyMs: fc.constantFrom(100, 700, 2_500, 12_000),
  exit: fc.constantFrom(0, 0, 0, 3, 'oom' as const),
  onStop: fc.constantFrom(143, 0, 'ignore' as const),
})

const submission: fc.Arbitrary<Submission> = fc.record({
  cpu: fc.constantFrom(500, 1_000, 2_000, 3_000),
  program,
  image: fc.constantFrom(...new Array(6).fill('busybox:1'), SLOW_IMAGE, SLOW_IMAGE, MISSING_IMAGE),
  duration: fc.constantFrom(2, 15, 60, 300),
  stopGraceSeconds: fc.constantFrom(0, 2, 12, 100),
  queueTimeout: fc.constantFrom(5, 40),
  maxAttempts: fc.integer({ min: 1, max: 3 }),
  retryOnFailure: fc.boolean(),
  onDisconnect: fc.constantFrom('continue' as const, 'stop' as const),
  leaseTimeout: fc.constantFrom(10, 20),
  secret: fc.boolean(),
  key: fc.option(fc.nat(1), { freq: 3 }),
})

/** Runs long, and would run on when it is told to stop: whoever loses it has to be sure that it has ended. */
const ignoringStop: fc.Arbitrary<Submission> = submission.map((job) => ({
  ...job,
  image: 'busybox:1',
  program: { ...job.program, lines: 6, everyMs: 12_000, onStop: 'ignore' },
  duration: job.duration === 2 ? 15 : 300,
  stopGraceSeconds: 100,
  maxAttempts: 3,
  onDisconnect: 'stop',
}))

const percent = fc.constantFrom(0, 0, 5, 20, 50)
const forecast: fc.Arbitrary<Forecast> = fc.record({
  loss: percent,
  breaks: fc.constantFrom(0, 0, 3, 15),
  late: percent,
  delayMs: fc.constantFrom(20, 600, 4_000),
})

const moment = fc.constantFrom(1, 50, 300, 900)
const while_ = fc.constantFrom(900, 4_000, 11_000)
/** Shorter and longer than a provider may be silent, and than the leases. */
const longer = fc.oneof(
  fc.constantFrom(4_000, 21_000, 31_000, 55_000, 95_000),
  fc.integer({ min: 1_000, max: 100_000 }),
)

const advance = (ms: fc.Arbitrary<number>): fc.Arbitrary<Step> => ms.map((value) => ({ do: 'advance', ms: value }))
const submit: fc.Arbitrary<Step> = fc
  .oneof({ weight: 3, arbitrary: submission }, { weight: 1, arbitrary: ignoringStop })
  .map((job) => ({ do: 'submit', job }))
const acts = fc.oneof(fc.constant(0), fc.nat(12), fc.nat(60))
const kill: fc.Arbitrary<Step> = fc.record({ do: fc.constant('kill'), who, acts })
const cut: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('cut'),
  mask: fc.integer({ min: 1, max: 2 ** MACHINES.length - 1 }),
  stall: fc.boolean(),
})
const hold: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('hold'),
  provider,
  to: fc.constantFrom('provider', 'requester'),
})

const single: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: advance(while_) },
  { weight: 6, arbitrary: submit },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel'), job: nth }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('extend'), job: nth, seconds: fc.constantFrom(5, 30) }),
  },
  { weight: 2, arbitrary: kill },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stop'), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('boot'), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('powerOff'), provider }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drain'), provider, on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('diskFull'), provider, on: fc.boolean() }) },
  { weight: 1, arbitrary: cut },
  { weight: 1, arbitrary: fc.constant({ do: 'heal' }) },
  { weight: 1, arbitrary: hold },
  { weight: 1, arbitrary: fc.constant({ do: 'letGo' }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('weather'), forecast }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('replay'), nth }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('setClock'),
      who,
      offsetMs: fc.constantFrom(-3_300_000, -5_000, 0, 3_300_000),
    }),
  },
) as fc.Arbitrary<Step>

/** Somebody dies, and comes back after a while. */
const crash: fc.Arbitrary<Step[]> = fc
  .tuple(kill, fc.oneof(advance(moment), advance(while_), advance(longer)))
  .map(([died, pause]) => [died, pause, { do: 'boot', who: (died as { who: Who }).who }])

const outage: fc.Arbitrary<Step[]> = fc
  .tuple(cut, advance(longer), fc.boolean(), advance(moment))
  .map(([fault, pause, heals, after]) => (heals ? [fault, pause, { do: 'heal' }, after] : [fault, pause]))

const delayed: fc.Arbitrary<Step[]> = fc
  .tuple(hold, fc.oneof(advance(moment), advance(longer)), advance(moment))
  .map(([fault, pause, after]) => [fault, pause, { do: 'letGo' }, after])

const engineAway: fc.Arbitrary<Step[]> = fc
  .tuple(provider, fc.oneof(advance(while_), advance(longer)))
  .map(([index, pause]) => [
    { do: 'engine', provider: index, gone: true },
    pause,
    { do: 'engine', provider: index, gone: false },
  ])

/** A few steps that make sense together; each may be left out. */
export const anyScene: fc.Arbitrary<Step[]> = fc.oneof(
  { weight: 6, arbitrary: single.map((step) => [step]) },
  { weight: 2, arbitrary: fc.tuple(submit, advance(moment)) },
  { weight: 2, arbitrary: crash },
  { weight: 2, arbitrary: outage },
  { weight: 1, arbitrary: delayed },
  { weight: 1, arbitrary: engineAway },
)

/** How a run begins: with work to do. */
export const anyOpening: fc.Arbitrary<Step[]> = fc
  .tuple(
    fc.option(forecast, { freq: 2 }),
    fc.option(fc.record({ do: fc.constant('kill' as const), who, acts: fc.nat(40) }), { freq: 2 }),
    fc.array(submit, { minLength: 1, maxLength: 3 }),
    advance(moment),
  )
  .map(([weather, death, jobs, pause]) => [
    ...(weather === null ? [] : [{ do: 'weather' as const, forecast: weather }]),
    ...(death === null ? [] : [death]),
    ...jobs,
    pause,
  ])

/** Machines of a run; the third one is often left out, because two show most and cost less. */
export const anyMachines = fc.constantFrom(2, 2, 3)
