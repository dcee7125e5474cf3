/** A peer in a process of its own, in a network namespace where one is given; the test tells it what to do. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Libp2pNetworkInit } from '../../../node/network/network-init.ts'
import type { PeerState, Question, Saying } from './peer-program.ts'

export interface PeerProcess {
  readonly id: string
  /** As it last said. */
  readonly state: PeerState
  /** Opens a stream and has a word come back over it. Rejects where that fails. */
  reach(peer: string, addresses: string[], timeoutMs?: number): Promise<void>
  /** Broadcasts a request; who hears it has it in `state.heard`. */
  publish(id: number): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const PROGRAM = join(import.meta.dirname, 'peer-program.ts')

/** @param command what to put before the program, e.g. to enter a namespace */
export async function startPeerProcess(command: string[], init: Partial<Libp2pNetworkInit>): Promise<PeerProcess> {
  const [program = process.execPath, ...rest] = [...command, process.execPath, PROGRAM, JSON.stringify(init)]
  const child = spawn(program, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const answers = new Map<number, (error: string | null) => void>()
  let state: PeerState | undefined
  let asked = 0
  child.on('message', (saying: Saying) => {
    if ('state' in saying) state = saying.state
    else answers.get(saying.number)?.(saying.error)
  })
  await Promise.race([once(child, 'message'), once(child, 'exit')])
  const now = (): PeerState => {
    if (state === undefined) throw new Error('The peer did not start')
    return state
  }
  const ask = async (question: Question): Promise<void> => {
    asked += 1
    const answer = Promise.withResolvers<string | null>()
    answers.set(asked, answer.resolve)
    child.send({ ...question, number: asked })
    const error = await answer.promise
    if (error !== null) throw new Error(error)
  }
  return {
    id: now().id,
    get state() {
      return now()
    },
    reach: async (peer, addresses, timeoutMs = 10_000) => await ask({ do: 'reach', peer, addresses, timeoutMs }),
    publish: async (id) => await ask({ do: 'publish', id }),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}
