import { spawn } from 'node:child_process'
import { once } from 'node:events'
import PQueue from 'p-queue'
import { abortedWithin, onAbort } from '../../node/abort.ts'
import type { Logger } from '../../node/logger.ts'
import { endGroup } from '../../node/process-group.ts'
import type { Proof, Question } from './acme-proof.ts'

/** How long the program may take for one record, in ms: until a record is seen everywhere can take minutes. */
const DNS_HOOK_MS = 300_000
/** What is kept of what it says, in bytes. */
const MAX_SAID_BYTES = 8 * 1024

/**
 * Has a program of the operator's set and remove TXT records: `PROGRAM present NAME VALUE`, which ends with 0 once the record
 * can be asked for, and `PROGRAM cleanup NAME VALUE`. One at a time, without a shell, within {@link DNS_HOOK_MS} each. It has
 * this process's environment but for what is Cortex's own, and what it says is logged.
 */
export function dnsProof(program: string, logger: Logger): Proof {
  const queue = new PQueue({ concurrency: 1 })
  const run = async (action: 'present' | 'cleanup', { authorization, answer }: Question, signal: AbortSignal) => {
    const name = `_acme-challenge.${authorization.identifier.value}`
    await queue.add(async () => {
      signal.throwIfAborted()
      const said = await runHook(program, [action, name, answer], abortedWithin(DNS_HOOK_MS, signal))
      logger.info({ program, action, name, said }, 'the record of an authority’s question was seen to')
    })
  }
  return {
    challenge: 'dns-01',
    takesMs: 2 * DNS_HOOK_MS,
    give: async (question, signal) => await run('present', question, signal),
    async takeBack(question, signal) {
      // A record that stays does no harm.
      await run('cleanup', question, signal).catch((error: Error) => {
        logger.warn({ problem: error.message }, 'the record of an authority’s question is still there')
      })
    },
    where: (names) => `It asks for the TXT record of ${recordsOf(names)}, which ${program} has to set`,
  }
}

/** What the program said. @throws Error with that, where it fails */
async function runHook(program: string, words: string[], signal: AbortSignal): Promise<string> {
  // A group of its own: what it starts ends with it.
  const child = spawn(program, words, { env: ownEnvironment(), detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const streams = [child.stdout, child.stderr]
  let said = ''
  for (const stream of streams) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(-MAX_SAID_BYTES)
    })
  }
  child.once('exit', () => endGroup(child.pid))
  onAbort(signal, () => {
    // Once it has ended, its number may be another's.
    if (child.exitCode === null && child.signalCode === null) endGroup(child.pid)
    for (const stream of streams) stream.destroy()
  })
  const what = `${program} ${words.slice(0, 2).join(' ')}`
  try {
    const [code, ended] = (await once(child, 'close')) as [number | null, string | null]
    if (code === 0) return said.trim()
    const why = signal.aborted ? (signal.reason as Error).message : `it ended with ${code ?? ended}`
    throw new Error(`${what}: ${why}${said === '' ? '' : `: ${said.trim()}`}`)
  } catch (cause) {
    if (!isSystemError(cause)) throw cause
    throw new Error(`${what} cannot be run: ${cause.code}`, { cause })
  }
}

/** Without the gateway's keys and tokens: the program has its own. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CORTEX_')))
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error
}

function recordsOf(names: readonly string[]): string {
  return [...new Set(names.map((name) => `_acme-challenge.${name.replace(/^\*\./, '')}`))].join(' and ')
}
