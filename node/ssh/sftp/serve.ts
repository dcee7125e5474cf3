import type { Duplex } from 'node:stream'
import { onAbort } from '../../abort.ts'
import type { Clock } from '../../clock.ts'
import { ReachError } from '../../reach/index.ts'
import { statusAnswer, versionAnswer } from './answers.ts'
import { SftpError, type SftpFiles, Status } from './index.ts'
import { packetsOf } from './packets.ts'
import { INIT, readRequest, requestId } from './requests.ts'
import type { SftpRoom } from './room.ts'
import { answerBytes, createSession } from './session.ts'

/** Requests of a session that are answered at a time; what comes beyond them waits in the channel. */
const MAX_REQUESTS = 32

/** How long a session may ask for nothing, in ms; before twice that it is over, with all that it has open. */
const IDLE_MS = 30 * 60_000

/** What {@link serveSftp} works with. */
export interface SftpComponents {
  files: SftpFiles
  room: Pick<SftpRoom, 'openSession'>
  clock: Clock
}

/**
 * Serves one session over a channel, until the client ends it or asks for nothing for half an hour, or the signal aborts;
 * then nothing is left of the session, and the channel is the caller's to end. A file is in the container once its closing
 * is answered; one that was not closed never gets there.
 *
 * @param stream bytes as they are in the channel of the subsystem `sftp`
 * @param init.home where relative paths begin. @default '/'
 * @throws {SftpError} where the client does not speak the protocol
 */
export async function serveSftp(
  stream: Duplex,
  components: SftpComponents,
  init: { signal: AbortSignal; home?: string },
): Promise<void> {
  const scope = new AbortController()
  const signal = AbortSignal.any([scope.signal, init.signal])
  const { files, room, clock } = components
  const own = room.openSession()
  const session = createSession({ files, clock, signal, room: own }, { home: init.home ?? '/' })
  const waiting = own.waiting(() => freed.resolve())
  /** Bytes of requests that are being answered, and of their answers. */
  let heldBytes = 0
  const answering = new Set<Promise<void>>()
  let asked = 0
  /** Requests that are being answered, without those whose answers nobody takes. */
  let working = 0
  let freed = Promise.withResolvers<void>()
  const gone = (): void => scope.abort(new Error('The client is gone'))
  stream.once('close', gone)
  stream.on('error', gone)
  const stop = (): void => void stream.destroy()
  onAbort(init.signal, stop)

  async function stopWhenIdle(): Promise<void> {
    for (let before = -1; before !== asked || working > 0; ) {
      before = asked
      await clock.sleep(IDLE_MS, signal)
    }
    stop()
  }

  /** Waits until it is taken: who reads no answers is asked for nothing more. */
  async function send(packet: Buffer): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const taken = (): void => resolve()
    onAbort(signal, taken)
    stream.write(packet, taken)
    await promise
    signal.removeEventListener('abort', taken)
  }

  async function answer(packet: Buffer): Promise<void> {
    const id = requestId(packet)
    working += 1
    const answered = (async () => await session.answer(id, readRequest(packet)))()
    const reply = await answered.catch((error: unknown) => refusal(id, error))
    working -= 1
    if (!signal.aborted) await send(reply)
  }

  stopWhenIdle().catch(() => undefined) // the session is over
  try {
    let isBegun = false
    for await (const packet of packetsOf(stream)) {
      asked += 1
      if (signal.aborted) break
      if (!isBegun) {
        if (packet[0] !== INIT) throw new SftpError(Status.badMessage, 'A session begins with the version')
        isBegun = true
        await send(versionAnswer())
        continue
      }
      const one = answer(packet)
      const bytes = packet.length + answerBytes(packet)
      heldBytes += bytes
      answering.add(one)
      one.catch(stop).finally(() => {
        answering.delete(one)
        heldBytes -= bytes
        waiting.isFull(heldBytes)
        freed.resolve()
      })
      // Not a race: each would hold on to all that was raced before.
      while (answering.size >= MAX_REQUESTS || waiting.isFull(heldBytes)) {
        freed = Promise.withResolvers()
        await freed.promise
      }
    }
    // What was asked for before the end is done.
    await Promise.allSettled(answering)
  } catch (error) {
    if (error instanceof SftpError) throw error
    // The channel broke: then there is nobody to tell.
  } finally {
    init.signal.removeEventListener('abort', stop)
    scope.abort(new Error('The session is over'))
    await Promise.allSettled(answering)
    await session.close()
    waiting.leave()
  }
}

/** What a client is told of a failure; what is not its to know, is not told. */
function refusal(id: number, error: unknown): Buffer {
  if (error instanceof SftpError) return statusAnswer(id, error.status, error.message)
  if (!(error instanceof ReachError)) return statusAnswer(id, Status.failed, 'That failed here: try again')
  return statusAnswer(id, error.code === 'NO_FILE' ? Status.noFile : Status.failed, error.message)
}
