import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { toLine } from '../../protocol/text.ts'

/**
 * What a tool of the machine printed; `missing` where it is not installed, `failed` where it ended in an error, with what
 * it said of that.
 */
export type ToolAnswer = { status: 'ok'; text: string } | { status: 'missing' } | { status: 'failed'; said: string }

/** Runs a tool that looks at cards; never rejects. */
export type RunTool = (name: string, args: string[]) => Promise<ToolAnswer>

/** A driver that has lost a GPU can take this long to say so, in ms. */
const TIMEOUT_MS = 10_000
/** Sixteen cards, each with all that its tool knows of it. */
const MAX_BYTES = 8 * 2 ** 20
/** Of what a tool said that is told on, in characters. */
const MAX_SAID = 160

/** Calls that did not end when they were killed, as a driver can hold them: none is made beside one. */
const stuck = new Set<string>()

/**
 * Runs it for `timeoutMs` at most, and takes no more than {@link MAX_BYTES} of it; beyond either it has `failed`.
 * @param timeoutMs how long, in ms. @default TIMEOUT_MS
 */
export async function runTool(name: string, args: string[], timeoutMs: number = TIMEOUT_MS): Promise<ToolAnswer> {
  const key = [name, ...args].join(' ')
  const late = `it gave no answer within ${timeoutMs / 1000} s`
  if (stuck.has(key)) return { status: 'failed', said: `${late}, and could not be ended` }
  const signal = AbortSignal.timeout(timeoutMs)
  const call = promisify(execFile)(name, args, { signal, maxBuffer: MAX_BYTES })
  call.child.once('exit', () => stuck.delete(key))
  try {
    return { status: 'ok', text: (await call).stdout }
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as NodeJS.ErrnoException & { stdout?: string; stderr?: string }
    if (code === 'ENOENT') return { status: 'missing' }
    if (signal.aborted) {
      // It was only asked to end.
      call.child.kill('SIGKILL')
      if (call.child.exitCode === null && call.child.signalCode === null) stuck.add(key)
      return { status: 'failed', said: late }
    }
    const said = firstLine(stderr) || firstLine(stdout)
    return { status: 'failed', said: said === '' ? `it ended with ${code ?? 'a signal'}` : `it says “${said}”` }
  }
}

/** The first line with anything on it, short enough to be told on; empty where there is none. */
export function firstLine(text: string): string {
  const [line = ''] = /[^\s][^\r\n]{0,499}/.exec(text) ?? []
  return toLine(line, MAX_SAID).trim()
}

/** The JSON that a tool printed, null where it is none: some print warnings before it. */
export function jsonOf(answer: ToolAnswer): unknown {
  if (answer.status !== 'ok') return null
  const begin = answer.text.search(/[[{]/)
  try {
    return begin < 0 ? null : JSON.parse(answer.text.slice(begin))
  } catch {
    return null
  }
}
