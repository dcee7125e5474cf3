/** What engines say of programs that could not be executed, and what the job is told. */

import { EngineError } from './index.ts'

/** `details.reason` of an `INVALID_COMMAND`, and of the failure that it becomes: see `protocol/failures.ts`. */
export type Unexecuted =
  | 'command-not-found'
  | 'bad-interpreter'
  | 'not-executable'
  | 'is-a-folder'
  | 'wrong-architecture'
  | 'invalid-command'

/** What shells and engines exit with for what they may not execute; all else counts as not found. */
const FORBIDDEN: ReadonlySet<Unexecuted> = new Set(['not-executable', 'is-a-folder', 'wrong-architecture'])

/** The exit code that goes with it: 126 for what is there and may not be executed, 127 for what is not there. */
export function exitCodeOf(reason: string): number {
  return FORBIDDEN.has(reason as Unexecuted) ? 126 : 127
}

const SENTENCES: Record<Unexecuted, (program: string) => string> = {
  'command-not-found': (program) => `The image has no program ${program}`,
  'bad-interpreter': (program) => `The image has ${program}, but not what is to run it`,
  'not-executable': (program) => `${program} may not be executed`,
  'is-a-folder': (program) => `${program} is a folder`,
  'wrong-architecture': (program) => `${program} is not made for this provider’s processor`,
  'invalid-command': (program) => `${program} could not be executed`,
}

/** Whether a reason lies in the program's file, so that a look at that may tell more; as whom or where it begins does not. */
export function isOfProgram(reason: unknown): boolean {
  return Object.hasOwn(SENTENCES, String(reason))
}

/** The first words of an engine's or an init's text that say why; the kernel's, mostly. First match first. */
const WORDS: [RegExp, Unexecuted][] = [
  [/exec format error/i, 'wrong-architecture'],
  [/is a directory/i, 'is-a-folder'],
  [/permission denied|operation not permitted/i, 'not-executable'],
  [/not found|no such file|not a directory|too many levels|name too long/i, 'command-not-found'],
]

/** What the words of an engine or an init mean by themselves. */
export function reasonOfWords(text: string): Unexecuted {
  return WORDS.find(([pattern]) => pattern.test(text))?.[1] ?? 'invalid-command'
}

/** `INVALID_COMMAND`, with a sentence for the job's owner that names the program. */
export function invalidCommand(reason: Unexecuted, program: string): EngineError {
  // Arguments of a stranger: one line, and not too much of it.
  const name = JSON.stringify(program.slice(0, 200))
  const told = `${SENTENCES[reason](name)}.`
  return new EngineError('INVALID_COMMAND', told, { reason }, { told })
}
