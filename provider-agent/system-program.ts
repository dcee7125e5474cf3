import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

/** A program of the system's did not do what it was asked; the message is for people and says why. */
class ProgramError extends Error {
  override readonly name = 'ProgramError'
}

/** How long one may take, in ms: iptables waits for others that change rules. */
const LIMIT_MS = 10_000

/**
 * What a program of the system's prints that is given this input.
 * @throws {ProgramError} where there is no such program, or it fails
 */
export async function runProgram(program: string, args: string[], input = ''): Promise<string> {
  const child = spawn(program, args, {
    // System programs are often not on an ordinary path.
    env: { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`, LC_ALL: 'C' },
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  child.stdin.on('error', () => undefined) // it ended before it read everything; its exit code tells
  child.stdin.end(input)
  try {
    const [out, said, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
    if (code === 0) return out
    throw new ProgramError(`${program} failed: ${said.trim().split('\n')[0] || `exit code ${code}`}`)
  } catch (error) {
    if (error instanceof ProgramError) throw error
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new ProgramError(missing ? `there is no program ${program}` : String(error), { cause: error })
  }
}
