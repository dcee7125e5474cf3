import { addAbortSignal, type Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type Docker from 'dockerode'

/** What a call tells dockerode's modem, as far as it matters here. */
interface DialOptions {
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
    dial({ ...options, isStream: true }, (error, answer) => {
      if (error) callback(error)
      else readWhole(answer as Readable, options.abortSignal).then((whole) => callback(null, whole), callback)
    })
  }
  return docker
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
