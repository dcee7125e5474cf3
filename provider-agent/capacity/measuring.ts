/**
 * Measures the machine again and again, and has the book offer what there is. What is held stays held, even where the
 * machine has become smaller; then nothing new fits until enough is free.
 */

import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../node/clock.ts'
import { deadline } from '../../node/deadline.ts'
import type { Logger } from '../../node/logger.ts'
import { RESOURCE_KINDS } from '../../protocol/units.ts'
import type { ContainerEngine, EngineInfo } from '../engine/index.ts'
import type { Gpu, UnsoldCard } from '../gpus/gpu.ts'
import { countsOf, type GpuKind, kindsOf } from '../gpus/kinds.ts'
import type { Book } from './book.ts'
import { type Machine, type OfferInit, offerOf, sellableGpus } from './machine.ts'

/** What there is to sell at the moment, as it was measured last. */
export interface Measuring {
  /** The engine is there, for the first time or again. Resolves when it was measured; a failure is only logged. */
  measure(info: EngineInfo): Promise<void>
  /** Measures again every `measureMs`. */
  start(): void
  stop(): Promise<void>
  /** As the engine said last; empty before. */
  architecture(): string
  /** The GPUs behind the total, at the last look. */
  gpus(): readonly Gpu[]
  /** The same by kind. */
  gpuKinds(): readonly GpuKind[]
  /** Those of the machine that are not well, and the cards that cannot be sold at all, each with why. */
  unsold(): readonly UnsoldCard[]
}

/** What {@link createMeasuring} works with. */
export interface MeasuringComponents {
  engine: ContainerEngine
  book: Book
  clock: Clock
  logger: Logger
  /** Peer id of this provider: marks its containers. */
  owner: string
  inspect: (info: EngineInfo) => Promise<Machine>
}

/** How long one look may take, in ms. */
const LOOK_MS = 30_000

/**
 * Nothing is known before the first {@link Measuring.measure}.
 * @param init.measureMs time between two looks, in ms
 */
export function createMeasuring(components: MeasuringComponents, init: OfferInit & { measureMs: number }): Measuring {
  const { engine, book, clock, owner, inspect } = components
  const logger = components.logger.child({ part: 'capacity' })
  const scope = new AbortController()
  let architecture = ''
  let gpus: readonly Gpu[] = []
  let gpuKinds: readonly GpuKind[] = []
  let unsold: readonly UnsoldCard[] = []
  let loop: Promise<void> = Promise.resolve()

  async function look(info: EngineInfo, signal: AbortSignal): Promise<void> {
    const [machine, survey] = await Promise.all([inspect(info), engine.survey(owner, { signal })])
    architecture = info.architecture
    const total = offerOf(machine, survey, init)
    gpus = sellableGpus(machine, survey).slice(0, total.gpu)
    noteUnsold(machine)
    const before = gpuKinds
    gpuKinds = kindsOf(gpus)
    const isSame = RESOURCE_KINDS.every((kind) => total[kind] === book.total[kind])
    if (isSame && isDeepStrictEqual(gpuKinds, before)) return
    logger.debug({ total }, 'measured the machine')
    book.resize(total, countsOf(gpuKinds))
  }

  function noteUnsold({ gpus: all, unsoldCards = [] }: Machine): void {
    const ill = all.flatMap(({ model, uuid, problem }) =>
      problem === null ? [] : { name: `${model} (${uuid})`, reason: problem },
    )
    const found = [...ill, ...unsoldCards]
    const isNew = ({ name, reason }: UnsoldCard): boolean =>
      !unsold.some((before) => before.name === name && before.reason === reason)
    for (const card of found.filter(isNew)) logger.warn({ gpu: card.name, problem: card.reason }, 'a GPU is not sold')
    unsold = found
  }

  async function tried(known: EngineInfo | null): Promise<void> {
    const limit = deadline(clock, LOOK_MS, scope.signal)
    try {
      await look(known ?? (await engine.info({ signal: limit.signal })), limit.signal)
    } catch (error) {
      // An engine that is away is the business of whoever watches its health.
      if (!scope.signal.aborted) logger.warn({ error: String(error) }, 'the machine could not be measured')
    } finally {
      limit.clear()
    }
  }

  async function run(): Promise<void> {
    while (!scope.signal.aborted) {
      // Aborted: the loop ends.
      await clock.sleep(init.measureMs, scope.signal).catch(() => undefined)
      if (!scope.signal.aborted) await tried(null)
    }
  }

  return {
    measure: async (info) => await tried(info),
    start() {
      loop = run()
    },
    async stop() {
      scope.abort(new Error('The agent stops'))
      await loop
    },
    architecture: () => architecture,
    gpus: () => gpus,
    gpuKinds: () => gpuKinds,
    unsold: () => unsold,
  }
}
