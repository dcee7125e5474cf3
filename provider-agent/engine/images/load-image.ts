import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type Docker from 'dockerode'
import { type ArchivedImage, archiveOf } from '../../images/archive.ts'
import { askEngine } from '../ask-engine.ts'
import { statusOf } from '../errors.ts'
import { EngineError } from '../index.ts'

/** What an engine says of an image that it could not take. */
export class LoadError extends Error {
  override readonly name = 'LoadError'
}

/**
 * Gives the engine an image. Once all of it was sent the engine goes on by itself, whoever gives up: then this resolves
 * when it is done.
 *
 * @throws {LoadError} in the engine's words @throws what the image's content throws @throws the signal's reason
 */
export async function loadImage(docker: Docker, image: ArchivedImage, signal: AbortSignal): Promise<void> {
  const scope = new AbortController()
  const state: { failure: unknown; isSent: boolean } = { failure: null, isSent: false }
  const onAbort = (): void => {
    if (!state.isSent) scope.abort(signal.reason)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  async function* body(): AsyncGenerator<Buffer> {
    try {
      yield* archiveOf(image)
      state.isSent = true
    } catch (error) {
      state.failure = error
      scope.abort(error)
    }
  }
  const content = Readable.from(body(), { objectMode: false, highWaterMark: 256 * 1024 })
  try {
    signal.throwIfAborted()
    const answer = await askEngine('handing the image to the engine', scope.signal, async (abort) => {
      const answered = (await docker.loadImage(content, { quiet: true, ...abort })) as Readable
      return await text(answered)
    })
    const problem = problemIn(answer)
    if (problem !== null) throw new LoadError(problem)
  } catch (error) {
    if (state.failure !== null) throw state.failure
    // Some say of an image by the status of their answer what others say in it.
    const said = isAnswered(error) ? error.message : null
    throw said === null ? error : new LoadError(said, { cause: error })
  } finally {
    signal.removeEventListener('abort', onAbort)
    content.destroy()
  }
}

/** Whether the engine is there, and spoke. */
function isAnswered(error: unknown): error is EngineError {
  return error instanceof EngineError && statusOf(error.cause) !== null
}

/** The answer is one JSON object a line. */
function problemIn(answer: string): string | null {
  for (const line of answer.slice(0, 64 * 1024).split('\n')) {
    if (!line.includes('error')) continue
    try {
      const { error } = JSON.parse(line) as { error?: unknown }
      if (error !== undefined) return String(error).slice(0, 1_000)
    } catch {
      // Not a whole line: what comes of the image tells.
    }
  }
  return null
}
