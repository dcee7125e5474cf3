import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { ExecEvent } from '../../../../node/reach/index.ts'
import { ReachError } from '../../../../node/reach/index.ts'
import type { SshTarget } from '../../../../node/ssh/index.ts'

/** This machine in place of a container: commands are its processes, and of its ports those in `exposed` are tunnelled. */
export function localTarget(exposed: Set<number>): SshTarget {
  return {
    async exec({ command: [program = '', ...args] }, signal) {
      const child = spawn(program, args, { stdio: 'pipe', detached: true, env: { PATH: process.env.PATH } })
      child.stdin.on('error', () => undefined) // it ends before it has taken all
      const stop = (): void => {
        if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
          process.kill(-child.pid, 'SIGKILL')
      }
      signal.addEventListener('abort', stop, { once: true })
      await once(child, 'spawn').catch((cause) => {
        throw new ReachError('BAD_COMMAND', 'The container has no such program', { cause })
      })
      async function* output(): AsyncGenerator<ExecEvent> {
        const closed = once(child, 'close')
        const pieces: ExecEvent[] = []
        let wake = Promise.withResolvers<void>()
        for (const type of ['stdout', 'stderr'] as const) {
          child[type].on('data', (data: Buffer) => {
            pieces.push({ type, data })
            if (pieces.length > 16) child[type].pause()
            wake.resolve()
          })
        }
        let isClosed = false
        void closed.then(() => {
          isClosed = true
          wake.resolve()
        })
        for (;;) {
          const piece = pieces.shift()
          if (piece !== undefined) yield piece
          else if (isClosed) break
          else {
            child.stdout.resume()
            child.stderr.resume()
            await wake.promise
            wake = Promise.withResolvers<void>()
          }
        }
        const { exitCode, signalCode } = child
        const numbers: Record<string, number> = { SIGTERM: 15, SIGUSR1: 10, SIGKILL: 9, SIGINT: 2 }
        yield { type: 'exited', exitCode: exitCode ?? 128 + (numbers[signalCode ?? ''] ?? 0) }
      }
      return {
        output,
        async write(data) {
          if (!child.stdin.write(data)) await once(child.stdin, 'drain')
        },
        end: async () => void child.stdin.end(),
        resize: async () => undefined,
        close: stop,
      }
    },
    async tunnel(port) {
      if (!exposed.has(port)) throw new ReachError('PORT_NOT_EXPOSED', `The job does not expose port ${port} (TCP)`)
      const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
      await once(socket, 'connect')
      return socket
    },
  }
}
