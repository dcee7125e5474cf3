import { createBackground } from '../../node/background.ts'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { Feature } from '../http/feature.ts'
import type { Principal } from '../http/principal.ts'
import type { KeyRing } from './key-ring.ts'

/** How often it is looked whose key has ended, in ms; what is left behind does nothing from that moment on. */
const LOOK_MS = 1_000

/** Something that a key makes and that acts without it from then on, such as a schedule. */
export interface LeftBehind {
  id: string
  owner: string
  enabled: boolean
  /** The key behind it: that made it, or changed it last. Absent in records of earlier versions: none is looked for. */
  keyId?: string
  /** Why the gateway disabled it; absent or null where it did not. */
  disabled?: { reason: string /** Null: not written down yet. */; atMs: number | null } | null
}

/** One kind of them. */
export interface Kind {
  /** Where the API has them, e.g. `/plugin-core/webhooks`. */
  path: string
  table: {
    all(): AsyncIterable<LeftBehind>
    update(id: string, change: (record: LeftBehind) => Partial<LeftBehind>): Promise<unknown>
  }
}

/** What keys leave behind never outlives them: see docs/decisions/0070-nothing-outlives-its-key.md. */
export interface KeysBehind extends Feature {
  /** A record as it is to be read: disabled from the moment on at which the key behind it is revoked or expires. */
  asRead<T extends LeftBehind>(record: T): T
  /** Notes which there are, so that what was disabled is written down, and is in the audit log. */
  add(kind: Kind): void
  /** Writes it down now. */
  look(): Promise<void>
}

interface Components {
  keys: Pick<KeyRing, 'get' | 'list' | 'onRevoked'>
  audit: { note(entry: { keyId: string; owner: string; method: string; path: string }): void }
  clock: Clock
  logger: Logger
}

/**
 * From its `start` on it looks every second for keys that were revoked or have expired, and writes down what they
 * leave disabled.
 */
export function createKeysBehind({ keys, audit, clock, logger }: Components): KeysBehind {
  const kinds: Kind[] = []
  const background = createBackground({ logger })
  let isDue = true
  let expiredBefore = 0
  keys.onRevoked(() => {
    isDue = true
  })

  async function look(): Promise<void> {
    for (const { path, table } of kinds) {
      for await (const { id, owner, keyId = '', disabled } of table.all()) {
        if (disabled?.atMs !== null) continue
        await table.update(id, writtenDown)
        audit.note({ keyId, owner, method: 'DISABLE', path: `${path}/${id}` })
        logger.warn({ id, keyId }, 'the key behind this has ended: it is disabled')
      }
    }
  }

  const writtenDown = ({ disabled }: LeftBehind): Partial<LeftBehind> =>
    disabled?.atMs === null ? { disabled: { ...disabled, atMs: clock.nowMs() } } : {}

  return {
    asRead(record) {
      const { keyId, enabled } = record
      if (!enabled || keyId === undefined || keyId === LOOPBACK || keys.get(keyId) !== undefined) return record
      const reason = `the key ${keyId} that made it, or changed it last, was revoked or has expired`
      return { ...record, enabled: false, disabled: { reason, atMs: null } }
    },
    add: (kind) => void kinds.push(kind),
    look,
    start: async () =>
      background.run('what ended keys left behind', async (signal) => {
        while (!signal.aborted) {
          const nowMs = clock.nowMs()
          const expired = keys.list().filter(({ expiresAtMs }) => expiresAtMs !== null && expiresAtMs <= nowMs).length
          if (isDue || expired !== expiredBefore) {
            isDue = false
            expiredBefore = expired
            await look()
          }
          await clock.sleep(LOOK_MS, signal).catch(() => undefined) // stopped: the loop ends
        }
      }),
    stop: background.stop,
  }
}

const LOOPBACK: Principal['keyId'] = 'loopback'

/** Who stands behind a record from now on: whoever makes it, or changes it as its owner; an admin who helps does not. */
export function behind(principal: Principal, owner: string): Pick<LeftBehind, 'keyId' | 'disabled'> {
  return principal.owner === owner ? { keyId: principal.keyId, disabled: null } : {}
}
