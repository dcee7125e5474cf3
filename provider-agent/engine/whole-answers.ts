import { addAbortSignal, type Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type Docker from 'dockerode'
import pRetry from 'p-retry'

/** What a call tells dockerode's modem, as far as it matters here. */
interface DialOptions {
  method?: string
  isStream?: boolean
  openStdin?: boolean
  hijack?: boolean
  abortSignal?: AbortSignal
}

type Callback = (error: unknown, answer?: unknown) => void
type Dial = (options: DialOptions, callback: Callback) => void

const mended = new WeakSet<object>()

/**
 * Has calls fail whose answer is cut off. docker-modem 5 waits for the end of an answer and for nothing else, so that a
 * call never returns when the engine goes between its first and its last byte; and waiting for a container is answered
 * with the first byte at once, and with the last one when it has ended. (November 2026.)
 *
 * Podman fails to answer while a process that it is looking at ends: what changes nothing is asked again then.
 */
export function withWholeAnswers(docker: Docker): Docker {
  const modem = docker.modem as unknown as { dial: Dial }
  if (mended.has(modem)) return docker
  mended.add(modem)
  const dial = modem.dial.bind(modem)
  modem.dial = (options, callback) => {
    if (options.isStream || options.openStdin || options.hijack) {
      dial(options, callback)
      return
    }
    const signal = options.abortSignal
    const shouldRetry = ({ error }: { error: Error }): boolean => options.method === 'GET' && hasJustEnded(error)
    const retry = { retries: 5, minTimeout: 50, shouldRetry, ...(signal && { signal }) }
    pRetry(async () => await readWhole(await asked(dial, options), signal), retry).then(
      (whole) => callback(null, whole),
      callback,
    )
  }
  return docker
}

/** The answer, whose end may be far. */
async function asked(dial: Dial, options: DialOptions): Promise<Readable> {
  return await new Promise((resolve, reject) => {
    dial({ ...options, isStream: true }, (error, answer) => (error ? reject(error) : resolve(answer as Readable)))
  })
}

/** Whether Podman says that a process was gone before it had read about it. */
function hasJustEnded(error: Error): boolean {
  return /\/proc\/\d+\/\S+ no such process/i.test(error.message)
}

/** What the engine said: JSON as a value, anything else as bytes, as the modem itself has it. */
async function readWhole(answer: Readable, signal: AbortSignal | undefined): Promise<unknown> {
  if (signal !== undefined) addAbortSignal(signal, answer)
  const bytes = await buffer(answer)
  try {
    return JSON.parse(bytes.toString()) ?? bytes
  } catch {
    return bytes // an empty answer, or a text
  }
}
