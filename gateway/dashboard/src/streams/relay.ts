/** Lends a page's streams to its workers, which so need no connection of their own. */

import { createPieces } from './pieces.ts'

/** Pieces on their way to the worker that it has not taken. */
const MAX_UNTAKEN = 8

type Ask =
  | { type: 'open'; id: number; url: string; lastEventId: string | null }
  | { type: 'took'; id: number }
  | { type: 'close'; id: number }

type Answer =
  | { type: 'opened'; id: number; status: number; body: string | null }
  | { type: 'piece'; id: number; bytes: Uint8Array<ArrayBuffer> }
  | { type: 'ended'; id: number }
  | { type: 'broke'; id: number; message: string }

/** The page's end: opens streams with `send` for whoever has the other end, until the returned function is called. */
export function lendStreams(port: MessagePort, send: typeof fetch): () => void {
  const open = new Map<number, { gone: AbortController; untaken: number; onTaken: () => void }>()
  const tell = (answer: Answer, transfer: Transferable[] = []): void => port.postMessage(answer, transfer)

  async function run({ id, url, lastEventId }: Ask & { type: 'open' }): Promise<void> {
    const own = { gone: new AbortController(), untaken: 0, onTaken: () => {} }
    open.set(id, own)
    const { signal } = own.gone
    const headers = { accept: 'text/event-stream', ...(lastEventId !== null && { 'last-event-id': lastEventId }) }
    const response = await send(url, { headers, signal })
    const isStream = response.ok && response.body !== null
    tell({ type: 'opened', id, status: response.status, body: isStream ? null : await response.text() })
    if (!isStream || response.body === null) return
    const reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>
    for (;;) {
      const { done, value } = await reader.read()
      if (done || signal.aborted) return
      own.untaken += 1
      // Copied: a piece may be a part of something larger.
      const bytes = value.slice()
      tell({ type: 'piece', id, bytes }, [bytes.buffer])
      while (own.untaken >= MAX_UNTAKEN && !signal.aborted) {
        await new Promise<void>((resolve) => {
          own.onTaken = resolve
        })
      }
    }
  }

  port.onmessage = ({ data }: MessageEvent<Ask>) => {
    if (data.type === 'open') {
      run(data).then(
        () => {
          if (open.delete(data.id)) tell({ type: 'ended', id: data.id })
        },
        (error: unknown) => {
          if (open.delete(data.id)) tell({ type: 'broke', id: data.id, message: String(error) })
        },
      )
      return
    }
    const own = open.get(data.id)
    if (own === undefined) return
    if (data.type === 'took') own.untaken -= 1
    else {
      open.delete(data.id)
      own.gone.abort()
    }
    own.onTaken()
  }

  return () => {
    port.close()
    for (const { gone, onTaken } of open.values()) {
      gone.abort()
      onTaken()
    }
    open.clear()
  }
}

/** The worker's end: a `fetch` for event streams, and for nothing else. */
export function borrowStreams(port: MessagePort): typeof fetch {
  const open = new Map<number, (answer: Answer) => void>()
  let last = 0
  port.onmessage = ({ data }: MessageEvent<Answer>) => open.get(data.id)?.(data)

  return async (input, init = {}) => {
    last += 1
    const id = last
    const tell = (ask: Ask): void => port.postMessage(ask)
    const answer = Promise.withResolvers<Response>()
    const leave = (): void => {
      if (open.delete(id)) tell({ type: 'close', id })
    }
    const pieces = createPieces(() => tell({ type: 'took', id }), leave)
    function fail(error: Error): void {
      answer.reject(error)
      pieces.fail(error)
    }
    open.set(id, (message) => {
      if (message.type === 'piece') return pieces.add(message.bytes)
      if (message.type === 'opened') {
        const { status, body } = message
        const isEmpty = status === 204
        return answer.resolve(new Response(isEmpty ? null : (body ?? pieces.stream), { status }))
      }
      open.delete(id)
      if (message.type === 'ended') pieces.end()
      else fail(new TypeError(message.message))
    })
    const signal = init.signal ?? undefined
    signal?.throwIfAborted()
    signal?.addEventListener('abort', () => {
      leave()
      fail(signal.reason as Error)
    })
    const url = input instanceof Request ? input.url : String(input)
    tell({ type: 'open', id, url, lastEventId: new Headers(init.headers).get('last-event-id') })
    return await answer.promise
  }
}
