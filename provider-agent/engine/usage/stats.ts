import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import type { ReadGpuUse } from '../../gpus/gpu-use.ts'
import { statusOf, toEngineError } from '../errors.ts'
import type { AbortOptions, StatsSample } from '../index.ts'
import { gpusOf } from '../labels.ts'
import { type StatsReading, toReading, toSample } from './stats-sample.ts'

/** The first sample comes after this at the latest, in ms, so that a short job has one too. */
const firstSampleMs = 1_000

/** What of a sample is not the engine's own reading. */
export interface StatsInit {
  /** Each how many samples the writable layer is measured, which walks all of its files. */
  storageEvery: number
  gpuUse: ReadGpuUse
}

/**
 * Samples a running container as `ContainerEngine.stats` says. Asks for one reading at a time: the engine's own
 * stream measures every second, for as long as anybody listens. Docker 20.10 answers at its next full second, so samples
 * closer than that are not to be had.
 *
 */
export async function* readStats(
  docker: Docker,
  { storageEvery, gpuUse }: StatsInit,
  name: string,
  intervalMs: number,
  { signal }: AbortOptions = {},
): AsyncGenerator<StatsSample> {
  const container = docker.getContainer(name)
  // Ours ends the wait below when the consumer leaves.
  const controller = new AbortController()
  const abort = { abortSignal: signal === undefined ? controller.signal : AbortSignal.any([signal, controller.signal]) }

  try {
    signal?.throwIfAborted()
    const { State: state, Config: config } = await container.inspect(abort)
    if (!state.Running) return
    const gpus = gpusOf(config.Labels)
    const startedAtMs = Date.parse(state.StartedAt)
    let previous: Pick<StatsReading, 'timestampMs' | 'cpuNanos'> = { timestampMs: startedAtMs, cpuNanos: 0 }
    const ended = container.wait(abort).then(
      () => 'ended' as const,
      () => 'ended' as const, // Also where the engine is gone: nothing more to measure, and others will say so.
    )
    let dueMs = performance.now() + Math.min(firstSampleMs, intervalMs)
    for (let count = 0; ; count++) {
      const pause = delay(Math.max(0, dueMs - performance.now()), undefined, { signal: abort.abortSignal })
      if ((await Promise.race([pause, ended])) === 'ended') break
      const stats = await Promise.race([container.stats({ stream: false, 'one-shot': true, ...abort }), ended])
      const reading = stats === 'ended' ? null : toReading(stats)
      if (reading === null) break
      const storageBytes = count % storageEvery === 0 ? await measureStorage(container, abort) : null
      const gpu = await gpuUse(gpus)
      yield { ...toSample(previous, reading, storageBytes), ...(gpu === null ? {} : { gpu }) }
      previous = reading
      dueMs = Math.max(dueMs + intervalMs, performance.now())
    }
    signal?.throwIfAborted()
  } catch (error) {
    signal?.throwIfAborted()
    if (statusOf(error) === 404) return // Removed meanwhile: it has ended.
    throw toEngineError(error, `measuring ${name}`)
  } finally {
    controller.abort()
  }
}

/** Size of the writable layer, in bytes. */
async function measureStorage(
  container: Docker.Container,
  abort: { abortSignal: AbortSignal },
): Promise<number | null> {
  // dockerode hands every option on; its types do not know this one.
  const ask = { size: true, ...abort } as Docker.ContainerInspectOptions
  const details = (await container.inspect(ask)) as { SizeRw?: number }
  return details.SizeRw ?? null
}
