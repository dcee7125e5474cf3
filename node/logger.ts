import { type Logger as Pino, pino } from 'pino'
import { escapeJson } from '../protocol/text.ts'

/** Namespaced, structured. Never given bodies, env, credentials or signatures. */
export type Logger = Pick<Pino, 'debug' | 'info' | 'warn' | 'error'> & { child(fields: { part: string }): Logger }

/** Writes JSON lines to stderr, so that stdout stays for output. @param level @default "info" */
export function createLogger(init: { name: string; level?: string }): Logger {
  const serializers = { error: pino.stdSerializers.err } // as JSON an Error is `{}`
  // By the process's own stream, so that what becomes of it is seen in one place; lines of others' text may hold anything.
  const destination = { write: (line: string) => void process.stderr.write(escapeJson(line)) }
  return pino({ name: init.name, level: init.level ?? 'info', serializers }, destination)
}

/** For tests and short commands. */
export const silentLogger: Logger = pino({ level: 'silent' })
