import { MAX_DURATION_SECONDS } from '../../../protocol/limits.ts'
import type { CommandAnswer, LeaseProgress } from '../../journal/records.ts'
import type { Meter } from '../meter.ts'
import { type Endings, stoppingBy } from './endings.ts'
import type { WrittenProgress } from './written-progress.ts'

/** Answers to commands that are remembered. */
const MAX_COMMANDS = 64

const TAKEN: CommandAnswer = { ok: true, code: '', message: '' }

/** What the requester may ask of its lease. A command that comes again is answered as the first time, and does nothing. */
export interface Commands {
  cancel(commandId: string): Promise<CommandAnswer>
  extend(commandId: string, additionalSeconds: number): Promise<CommandAnswer>
}

/** Remembers the last {@link MAX_COMMANDS} answers, in the lease's progress. */
export function createCommands(
  progress: WrittenProgress,
  { stop, cancelled }: Endings,
  init: { allowExtension: boolean; maxDurationSeconds: number; openForMs: () => number },
  meter: Pick<Meter, 'read'>,
): Commands {
  function remembered(commandId: string): CommandAnswer | undefined {
    return progress.now.commands.find(([known]) => known === commandId)?.[1]
  }

  function remember(commandId: string, answer: CommandAnswer): Pick<LeaseProgress, 'commands'> {
    const commands: LeaseProgress['commands'] = [...progress.now.commands, [commandId, answer]]
    return { commands: commands.slice(-MAX_COMMANDS) }
  }

  function extensionRefusal(durationSeconds: number): string | null {
    const { ended, stopping } = progress.now
    if (!init.allowExtension) return 'This provider does not extend jobs'
    if (ended !== null || stopping !== null) return 'The job is already ending'
    const most = Math.min(init.maxDurationSeconds, MAX_DURATION_SECONDS)
    const leftMs = durationSeconds * 1000 - meter.read()
    const openMs = init.openForMs()
    if (leftMs > openMs) {
      return `This provider closes in ${Math.floor(openMs / 1000)} s, ${Math.ceil(leftMs / 1000)} s asked`
    }
    return durationSeconds > most ? `This provider runs jobs up to ${most} s, ${durationSeconds} s asked` : null
  }

  return {
    async cancel(commandId) {
      const known = remembered(commandId)
      if (known !== undefined) return known
      if (progress.now.ended !== null) {
        return { ok: false, code: 'LEASE_ENDED', message: 'The container has already ended' }
      }
      const changes = { ...remember(commandId, TAKEN), ...stoppingBy('cancelled', progress.now) }
      const written = progress.write(null, changes)
      stop.abort()
      cancelled.abort()
      await written
      return TAKEN
    },
    async extend(commandId, additionalSeconds) {
      const known = remembered(commandId)
      if (known !== undefined) return known
      const durationSeconds = progress.now.durationSeconds + additionalSeconds
      const message = additionalSeconds < 1 ? 'At least 1 s must be added' : extensionRefusal(durationSeconds)
      if (message !== null) {
        const refused = { ok: false, code: 'EXTENSION_REFUSED', message }
        await progress.write(null, remember(commandId, refused))
        return refused
      }
      const changes = { durationSeconds, ...remember(commandId, TAKEN) }
      await progress.write({ case: 'extended', value: { durationSeconds } }, changes)
      return TAKEN
    },
  }
}
