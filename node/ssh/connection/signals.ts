import type { ExecSession } from '../../reach/index.ts'
import type { SshTarget } from '../index.ts'
import { newestOfEach } from './newest.ts'
import { signalName, signalNumber, signalWords } from './words.ts'

/** Control characters by which a terminal sends the signals of keys. */
const KEYS: Readonly<Record<string, string>> = { INT: '\x03', QUIT: '\x1c' }

/** The signals of one session. */
export interface Signals {
  /** Sends one after those that are on their way. @returns whether there is such a signal */
  send(name: string, to: { command: ExecSession; hasTerminal: boolean }): boolean
  /** The one of this session that ended its command; undefined where none of them did. */
  nameOf(exitCode: number): string | undefined
}

/** @param session its mark, see {@link signalWords} */
export function createSignals(target: SshTarget, session: string, signal: AbortSignal): Signals {
  const sent = new Set<number>()
  // What has ended needs none.
  const deliver = newestOfEach<() => Promise<void>>(async (sending) => await sending())

  async function toAll(name: string): Promise<void> {
    const sending = await target.exec({ command: signalWords(name, session) }, signal)
    for await (const { type } of sending.output()) if (type === 'exited') return
  }

  return {
    send(name, { command, hasTerminal }) {
      const number = signalNumber(name)
      if (number === undefined) return false
      sent.add(number)
      const key = hasTerminal ? KEYS[name] : undefined
      deliver(name, async () => await (key === undefined ? toAll(name) : command.write(Buffer.from(key))))
      return true
    },
    nameOf(exitCode) {
      const number = exitCode - 128
      return sent.has(number) ? signalName(number) : undefined
    },
  }
}
