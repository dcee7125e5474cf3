import { type Logger as Pino, pino } from 'pino'

/** Namespaced, structured. Never given bodies, env, credentials or signatures. */
export type Logger = Pick<Pino, 'debug' | 'info' | 'warn' | 'error'> & { child(fields: { part: string }): Logger }

/** Writes JSON lines to stderr, so that stdout stays for output. @param level @default "info" */
export function createLogger(init: { name: string; level?: string }): Logger {
  const serializers = { error: pino.stdSerializers.err } // as JSON an Error is `{}`
  return pino({ name: init.name, level: init.level ?? 'info', serializers }, pino.destination({ fd: 2, sync: true }))
}

/** For tests and short commands. */
export const silentLogger: Logger = pino({ level: 'silent' })
