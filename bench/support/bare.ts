import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const run = promisify(execFile)
const BARE = join(import.meta.dirname, 'bare-stream.ts')

/** The receiving end of bare libp2p streams, a process of its own, for as long as it is wanted. */
export async function startBare() {
  const receiver: ChildProcess = spawn(process.execPath, [BARE, 'receive'], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const lines = createInterface({ input: receiver.stdout as NodeJS.ReadableStream })
  const address = await new Promise<string>((resolve, reject) => {
    lines.once('line', resolve)
    receiver.once('exit', () => reject(new Error('The bare peer ended by itself')))
  })
  return {
    /** How long a stream of so many bytes takes, from another process, until all of it was read. */
    async seconds(bytes: number): Promise<number> {
      return Number((await run(process.execPath, [BARE, 'send', address, String(bytes)])).stdout)
    },
    [Symbol.dispose]: () => void receiver.kill(),
  }
}
