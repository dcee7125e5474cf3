import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { toEngineError } from '../errors.ts'
import { EngineError, type LogLine, type LogsOptions } from '../index.ts'
import { createFrameReader } from '../logs/log-frames.ts'
import { createLineAssembler } from '../logs/log-lines.ts'
import { getService, hasEnded, type LookForTask, untilTask } from './swarm-tasks.ts'

const recordOverhead = 64

/**
 * Reads the output of a service of one task. Following a service's log never ends by itself, so it is followed until the
 * task has ended, and then read once more for what was missing.
 */
export async function* readServiceLog(
  docker: Docker,
  look: LookForTask,
  maxBytes: number,
  name: string,
  fromLine: number,
  { signal, lastSeen }: LogsOptions = {},
): AsyncGenerator<LogLine[]> {
  const leaving = new AbortController()
  const abortSignal = signal === undefined ? leaving.signal : AbortSignal.any([signal, leaving.signal])
  const assembler = createLineAssembler({ fromLine, lineEnd: 'newline', ...(lastSeen && { lastSeen }) })
  let consumed = 0
  let cost = 0

  /** Takes in the records behind those that were read already. */
  async function* read(follow: boolean): AsyncGenerator<LogLine[]> {
    let skip = follow ? 0 : consumed
    const frames = createFrameReader((record) => {
      if (skip > 0) {
        skip -= 1
        return
      }
      cost += record.end - record.start + recordOverhead
      if (cost > maxBytes) return
      consumed += 1
      assembler.push(record)
    })
    const ended = new AbortController()
    const options = { stdout: true, stderr: true, timestamps: true, follow }
    const both = AbortSignal.any([abortSignal, ended.signal])
    const output = (await docker.getService(name).logs({ ...options, abortSignal: both } as object)) as unknown as
      | Readable
      | Buffer
    const over = follow ? untilTask(docker, look, name, hasEnded, { abortSignal: both }) : null
    // Aborted: the reader sees it, too.
    over?.then(
      () => ended.abort(),
      () => undefined,
    )
    try {
      for await (const chunk of Buffer.isBuffer(output) ? [output] : (output as AsyncIterable<Buffer>)) {
        frames.push(chunk)
        const lines = assembler.take()
        if (lines.length > 0) yield lines
        if (cost > maxBytes) throw tooLong(maxBytes)
      }
    } catch (error) {
      if (!ended.signal.aborted) throw error
    } finally {
      ended.abort()
    }
  }

  try {
    signal?.throwIfAborted()
    await getService(docker, name, { abortSignal })
    const task = await look(name, { abortSignal })
    if (task !== null && !hasEnded(task)) yield* read(true)
    yield* read(false)
    assembler.finish()
    const lines = assembler.take()
    if (lines.length > 0) yield lines
  } catch (error) {
    signal?.throwIfAborted()
    throw toEngineError(error, `reading the log of ${name}`)
  } finally {
    leaving.abort()
  }
}

function tooLong(maxBytes: number): EngineError {
  const text = `the container wrote more than the ${Math.floor(maxBytes / 1024 / 1024)} MiB of log that are kept`
  return new EngineError('RESOURCE_LIMIT_EXCEEDED', text, { resource: 'logs', limitBytes: maxBytes })
}
