import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ownHostKey } from '../../../node/commands/own-ssh-host.ts'
import { writeRaw } from '../../../node/commands/print.ts'
import { silentLogger } from '../../../node/logger.ts'
import { ownDoor } from '../../../node/ssh/own-door.ts'
import { createSshServer, type SshServerInit } from '../../../node/ssh/serve.ts'
import type { CortexClient } from '../../client/index.ts'
import { type ClientTarget, clientTarget } from './client-target.ts'

/**
 * An SSH server for the one connection that is this process's input and output, as OpenSSH's `ProxyCommand` has it. Whoever
 * started it has the key of the API, so nobody signs in. Resolves when the connection is over.
 */
export async function serveStdio(client: CortexClient, id: string): Promise<void> {
  const init: SshServerInit<ClientTarget> = {
    ...{ hostKey: await ownHostKey(), door: ownDoor(clientTarget(client, id)) },
    async sftp(channel, target, signal) {
      const session = await target.sftp(signal)
      await Promise.all([pipeline(channel, session, { signal }), pipeline(session, channel, { signal })])
    },
  }
  const server = createSshServer({ logger: silentLogger }, init)
  const connection = Duplex.from({ readable: process.stdin, writable: process.stdout })
  const over = Promise.withResolvers<void>()
  connection.once('close', over.resolve).on('error', () => over.resolve())
  server.serve(connection, 'own')
  await over.promise
  server.stop()
}

/** Joins this process's input and output to a server elsewhere on this machine, until that ends it. */
export async function joinStdio(socket: Socket): Promise<void> {
  process.stdin.pipe(socket)
  try {
    for await (const chunk of socket) await writeRaw('stdout', chunk as Buffer)
  } catch {
    // either side left: that is its end
  }
}
