import { once } from 'node:events'
import { chmod, rm } from 'node:fs/promises'
import type { Server } from 'node:net'
import { type ControlPart, prepareSocketFolder, socketPath } from './socket.ts'

/** A server of HTTP, which `node/` itself has none of. */
export type ControlServer = Server & { closeAllConnections(): void }

/** The socket while it is open. */
export interface Control {
  /** Cuts off who is being answered, and removes the socket. */
  stop(): Promise<void>
}

/**
 * Lets a server answer on the owner's socket of a part, of mode 0600. The part of this data folder runs in this process: a
 * socket that is there already is what a killed one left.
 */
export async function listenOnSocket(server: ControlServer, dataFolder: string, part: ControlPart): Promise<Control> {
  await prepareSocketFolder(dataFolder)
  const { path, release } = await socketPath(dataFolder, part)
  await rm(path, { force: true })
  server.listen(path)
  await once(server, 'listening')
  await chmod(path, 0o600)
  return {
    async stop() {
      server.close()
      server.closeAllConnections()
      await rm(path, { force: true })
      await release()
    },
  }
}
