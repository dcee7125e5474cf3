/**
 * Where `cortex ssh` finds a job of a client command that runs: a socket in that one's folder, for its own user alone. Whoever
 * connects names a job in one line, is answered one, and then speaks SSH.
 */

import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { isTerminal } from '../../protocol/lifecycle.ts'
import { systemClock } from '../clock.ts'
import { type Control, listenOnSocket } from '../control/listen.ts'
import { socketPath } from '../control/socket.ts'
import type { ClientNode } from '../index.ts'
import type { Logger } from '../logger.ts'
import { ownDoor } from '../ssh/own-door.ts'
import { reachTarget } from '../ssh/reach-target.ts'
import { createSshServer } from '../ssh/serve.ts'
import { createJobSftp } from '../ssh/sftp.ts'
import { partFolder } from './options.ts'
import { ownHostKey } from './own-ssh-host.ts'

const YES = 'yes'
const NO = 'no'

/** The longest line that is read, in bytes. */
const MAX_LINE_BYTES = 128

const NEWLINE = 0x0a

/** How long the other side may take for its line, in ms. */
const LINE_MS = 5_000

/** Leads into this node's jobs from now on. @param folder of the slot that it is in */
export async function serveJobsBySsh(
  { node, logger }: { node: Pick<ClientNode, 'store' | 'reach'>; logger: Logger },
  folder: string,
): Promise<Control> {
  const hostKey = await ownHostKey()
  const sftp = createJobSftp({ node, clock: systemClock }, { folder: join(folder, 'sftp') })
  await sftp.start()
  const sockets = new Set<Socket>()

  async function jobOf(text: string): Promise<string | null> {
    if (text === '' || text === 'job_') return null
    for await (const { id, spec, state } of node.store.active()) {
      if (isTerminal(state.status)) continue
      if (spec.name === text || id.startsWith(`job_${text.toLowerCase().replace(/^job_/, '')}`)) return id
    }
    return null
  }

  async function serve(socket: Socket): Promise<void> {
    const id = await jobOf(await lineOf(socket))
    socket.write(`${id === null ? NO : YES}\n`)
    if (id === null) return void socket.end()
    createSshServer(
      { logger },
      {
        ...{ hostKey, door: ownDoor(reachTarget(node.reach, async () => id)) },
        sftp: async (channel, _target, signal) => await sftp.serve(channel, { jobId: id, owner: 'own' }, signal),
      },
    ).serve(socket, 'own')
  }

  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined) // its close says enough
    socket.once('close', () => sockets.delete(socket))
    serve(socket).catch(() => socket.destroy())
  })
  const closeAllConnections = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return await listenOnSocket(Object.assign(server, { closeAllConnections }), folder, 'client')
}

/** A way into a job of a client command that runs on this data folder; null where none has it. */
export async function openLocalJob(options: { data: string }, text: string): Promise<Socket | null> {
  const slots = await readdir(partFolder(options, 'client')).catch(() => [])
  for (const slot of slots) {
    const socket = await openIn(join(partFolder(options, 'client'), slot), text).catch(() => null)
    if (socket !== null) return socket
  }
  return null
}

async function openIn(folder: string, text: string): Promise<Socket | null> {
  const { path, release } = await socketPath(folder, 'client')
  try {
    const socket = connect(path)
    await once(socket, 'connect')
    socket.on('error', () => undefined) // its close says enough
    socket.write(`${text}\n`)
    if ((await lineOf(socket)) === YES) return socket
    socket.destroy()
    return null
  } finally {
    await release()
  }
}

/** The first line; what comes behind it is left. @throws where there is none in time */
async function lineOf(socket: Socket): Promise<string> {
  const late = setTimeout(() => socket.destroy(), LINE_MS)
  let line = ''
  try {
    // Byte by byte, so that nothing of what follows is taken.
    while (line.length <= MAX_LINE_BYTES && !socket.destroyed && !socket.readableEnded) {
      const byte: Buffer | null = socket.read(1)
      if (byte === null) await moreOf(socket)
      else if (byte[0] === NEWLINE) return line
      else line += byte.toString('latin1')
    }
    throw new Error('Not a line')
  } finally {
    clearTimeout(late)
  }
}

/** Resolves when there is something to read, or will be nothing. */
async function moreOf(socket: Socket): Promise<void> {
  const events = ['readable', 'end', 'close'] as const
  const { promise, resolve } = Promise.withResolvers<void>()
  for (const event of events) socket.once(event, resolve)
  await promise
  for (const event of events) socket.off(event, resolve)
}
