import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** What a tool of the machine printed; `missing` where it is not installed, `failed` where it ended in an error. */
export type ToolAnswer = { status: 'ok'; text: string } | { status: 'missing' | 'failed' }

/** Runs a tool that looks at cards; never rejects. */
export type RunTool = (name: string, args: string[]) => Promise<ToolAnswer>

/** A driver that has lost a GPU can take this long to say so, in ms. */
const TIMEOUT_MS = 10_000
/** Sixteen cards, each with all that its tool knows of it. */
const MAX_BYTES = 8 * 2 ** 20

/**
 * Runs it for {@link TIMEOUT_MS} at most, and takes no more than {@link MAX_BYTES} of it; beyond either it has
 * `failed`.
 */
export const runTool: RunTool = async (name, args) => {
  try {
    const { stdout } = await promisify(execFile)(name, args, { timeout: TIMEOUT_MS, maxBuffer: MAX_BYTES })
    return { status: 'ok', text: stdout }
  } catch (error) {
    return { status: (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'missing' : 'failed' }
  }
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
