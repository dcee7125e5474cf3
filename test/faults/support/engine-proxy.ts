import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface EngineProxy {
  /** For `--docker-host`. */
  host: string
  /** The engine answers nothing any more, on old connections and on new ones. */
  hang(): void
  /** The engine is gone: its connections break, and its socket refuses new ones. */
  vanish(): Promise<void>
  /** It is back. */
  recover(): Promise<void>
  close(): Promise<void>
}

/** A socket in front of an engine that others use as well. */
export async function startEngineProxy(enginePath: string): Promise<EngineProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-proxy-'))
  const path = join(folder, 'docker.sock')
  const open = new Set<Socket>()
  let hung = false
  let server: Server | null = null

  function connect(client: Socket): void {
    const upstream = createConnection(enginePath)
    const ends: [Socket, Socket][] = [
      [client, upstream],
      [upstream, client],
    ]
    for (const [from, to] of ends) {
      open.add(from)
      from.on('data', (data) => hung || to.write(data))
      from.on('end', () => hung || to.end())
      from.on('error', () => to.destroy())
      from.on('close', () => {
        open.delete(from)
        to.destroy()
      })
    }
  }

  async function listen(): Promise<void> {
    server = createServer({ allowHalfOpen: true }, connect).listen(path)
    await once(server, 'listening')
  }

  function breakAll(): void {
    for (const socket of open) socket.destroy()
  }

  async function vanish(): Promise<void> {
    if (server === null) return
    const closed = once(server, 'close')
    server.close()
    server = null
    breakAll()
    await closed
  }

  await listen()
  return {
    host: `unix://${path}`,
    hang() {
      hung = true
    },
    vanish,
    async recover() {
      // What was swallowed is not said again: whoever waits for it hears that the connection broke.
      if (hung) breakAll()
      hung = false
      if (server === null) await listen()
    },
    async close() {
      await vanish()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
