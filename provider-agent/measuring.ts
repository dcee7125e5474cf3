/**
 * Measures the machine again and again, and has the book offer what there is. What is held stays held, even where the
 * machine has become smaller; then nothing new fits until enough is free.
 */

import type { Clock } from '../node/clock.ts'
import { deadline } from '../node/deadline.ts'
import type { Logger } from '../node/logger.ts'
import { RESOURCE_KINDS } from '../protocol/units.ts'
import type { Book } from './book.ts'
import { type Machine, type OfferInit, offerOf } from './capacity.ts'
import { freeGpus } from './engine/gpus.ts'
import type { ContainerEngine, EngineInfo, Gpu } from './engine/index.ts'

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
}

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

export function createMeasuring(components: MeasuringComponents, init: OfferInit & { measureMs: number }): Measuring {
  const { engine, book, clock, owner, inspect } = components
  const logger = components.logger.child({ part: 'capacity' })
  const scope = new AbortController()
  let architecture = ''
  let gpus: readonly Gpu[] = []
  let loop: Promise<void> = Promise.resolve()

  async function look(info: EngineInfo, signal: AbortSignal): Promise<void> {
    const [machine, survey] = await Promise.all([inspect(info), engine.survey(owner, { signal })])
    architecture = info.architecture
    const total = offerOf(machine, survey, init)
    gpus = freeGpus(machine.gpus, survey.others.gpus).slice(0, total.gpu)
    if (RESOURCE_KINDS.every((kind) => total[kind] === book.total[kind])) return
    logger.debug({ total }, 'measured the machine')
    book.resize(total)
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
  }
}
