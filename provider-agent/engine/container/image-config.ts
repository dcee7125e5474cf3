/** What an image says of the containers that are made of it, as far as it decides how they are made. */

import type Docker from 'dockerode'
import { askEngine } from '../ask-engine.ts'
import { statusOf } from '../errors.ts'
import type { AbortOptions, ContainerSpec } from '../index.ts'
import { engineName } from '../reference.ts'

/** What is read of an image; words are as they would be executed, without a shell. */
export interface ImageConfig {
  /** Bytes of its layers together. */
  sizeBytes: number
  entrypoint: string[]
  command: string[]
  /** Its own health check; null where it has none, or says that there is to be none. */
  healthcheck: HealthCheck | null
}

/** Times in ns, as the engine has them; 0 is the engine's default. */
export interface HealthCheck {
  Test: string[]
  Interval: number
  Timeout: number
  StartPeriod: number
  StartInterval: number
  Retries: number
}

const NOTHING: ImageConfig = { sizeBytes: 0, entrypoint: [], command: [], healthcheck: null }

/** Asks the engine. Nothing where it has no such image: making a container of it then says so. */
export async function readImageConfig(
  docker: Docker,
  image: string,
  { signal }: AbortOptions = {},
): Promise<ImageConfig> {
  const name = engineName(image)
  const found = await askEngine(`looking at ${image}`, signal, async (abort) => {
    try {
      // dockerode hands every option on; its types do not know this one.
      return await docker.getImage(name).inspect(abort as Docker.ImageInspectOptions)
    } catch (error) {
      if (statusOf(error) === 404) return null
      throw error
    }
  })
  return found === null ? NOTHING : toImageConfig(found)
}

/** The fields of the engine's answer that are read here; each may be missing. */
interface RawImage {
  Size?: number
  Config?: {
    Entrypoint?: string[] | string | null
    Cmd?: string[] | string | null
    Healthcheck?: Partial<HealthCheck> | null
  } | null
}

/**
 * Of what the engine says of an image. What is missing is empty; a health check is held to bounds, as {@link CHECK} and
 * {@link MOST} say.
 */
export function toImageConfig(raw: object): ImageConfig {
  const { Size: size, Config: config } = raw as RawImage
  return {
    sizeBytes: size ?? 0,
    entrypoint: wordsOf(config?.Entrypoint),
    command: wordsOf(config?.Cmd),
    healthcheck: boundedCheck(config?.Healthcheck ?? null),
  }
}

const SECOND_NS = 1_000_000_000
/** Engines take no shorter time, but for none at all, which would be the image's. */
const LEAST_NS = 1_000_000

/** Each run of a check is a process that the engine starts for it, so a stranger's image does not say how often alone. */
const CHECK = { leastInterval: 5 * SECOND_NS, interval: 30 * SECOND_NS, timeout: 30 * SECOND_NS, retries: 3 }
const MOST = { timeout: 60 * SECOND_NS, startPeriod: 3_600 * SECOND_NS, retries: 100 }

/** The image's check, no more often than each 5 s. All is written out: what is left out, the engine takes from the image. */
function boundedCheck(check: Partial<HealthCheck> | null): HealthCheck | null {
  const { Test: test = [], Interval = 0, Timeout = 0, StartPeriod = 0, Retries = 0 } = check ?? {}
  if (!['CMD', 'CMD-SHELL'].includes(test[0] ?? '')) return null
  const interval = Math.max(CHECK.leastInterval, Interval > 0 ? Interval : CHECK.interval)
  return {
    Test: test,
    Interval: interval,
    StartInterval: interval,
    Timeout: Math.min(MOST.timeout, Math.max(SECOND_NS, Timeout > 0 ? Timeout : CHECK.timeout)),
    StartPeriod: Math.min(MOST.startPeriod, Math.max(LEAST_NS, StartPeriod)),
    Retries: Math.min(MOST.retries, Retries > 0 ? Retries : CHECK.retries),
  }
}

/** Programs that are made to be process 1, and that refuse to be any other or are no use there. */
const INITS = new Set([
  ...['init', 'systemd', 'tini', 'tini-static', 'dumb-init', 'catatonit', 'docker-init', 'my_init', 'dinit', 'finit'],
  ...['s6-svscan', 's6-overlay-init', 'runit', 'runit-init', 'openrc-init', 'busybox-init', 'pid1'],
])

/** Whether the program of a container is an init by itself: then it gets no other before it. */
export function runsInit({ command, args }: Pick<ContainerSpec, 'command' | 'args'>, image: ImageConfig): boolean {
  // An entrypoint of the job's own takes the image's command away with the image's entrypoint.
  const words = command.length > 0 ? command : [...image.entrypoint, ...(args.length > 0 ? args : image.command)]
  const [program = ''] = words
  return INITS.has(program.slice(program.lastIndexOf('/') + 1))
}

/** An image of long ago may have one text for all words. */
function wordsOf(words: string[] | string | null | undefined): string[] {
  return typeof words === 'string' ? [words] : (words ?? [])
}
