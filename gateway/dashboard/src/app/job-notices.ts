import { notifications } from '@mantine/notifications'
import type { GatewayEvent, Job } from '../../../client/index.ts'

/** Where this browser keeps what its user wants to be told; no key is ever in there. */
const STORED_AS = 'cortex-notices'

/** What the user of this browser wants to be told. */
export interface NoticeSettings {
  /** Of jobs that end, in the page. */
  inPage: 'all' | 'failed' | 'none'
  /** By the browser, when the page is not looked at. */
  onDesktop: boolean
}

const DEFAULTS: NoticeSettings = { inPage: 'failed', onDesktop: false }

/** The settings of this browser; the defaults where it keeps none, or none that can be read. */
export function readNotices(): NoticeSettings {
  try {
    const { inPage, onDesktop } = JSON.parse(localStorage.getItem(STORED_AS) ?? '{}') as Partial<NoticeSettings>
    return {
      inPage: inPage === 'all' || inPage === 'none' ? inPage : DEFAULTS.inPage,
      onDesktop: onDesktop === true,
    }
  } catch {
    return DEFAULTS // somebody else wrote there
  }
}

/** Kept in this browser alone, over sessions and for whoever signs in. */
export function writeNotices(settings: NoticeSettings): void {
  localStorage.setItem(STORED_AS, JSON.stringify(settings))
}

const WORDS: Record<string, string> = { 'job.completed': 'completed', 'job.failed': 'failed' }
/** More at once are one notice. */
const MAX_AT_ONCE = 3

/** Tells of jobs that ended, as the settings say. */
export function notifyOf(events: GatewayEvent[]): void {
  const { inPage, onDesktop } = readNotices()
  const ended = events.filter(({ type }) => type in WORDS)
  const wanted = ended.filter(({ type }) => inPage === 'all' || (inPage === 'failed' && type === 'job.failed'))
  if (wanted.length > MAX_AT_ONCE) {
    notifications.show({ message: `${wanted.length} jobs ended`, color: 'gray' })
  } else {
    for (const { type, data } of wanted) {
      const { image, error } = data.job as Job
      const color = type === 'job.failed' ? 'red' : 'teal'
      notifications.show({
        title: `${image} ${WORDS[type]}`,
        message: error?.message ?? 'See its page for output and cost',
        color,
      })
    }
  }
  const [first] = ended
  if (!onDesktop || first === undefined || document.visibilityState !== 'hidden') return
  if (Notification.permission !== 'granted') return
  const { image } = first.data.job as Job
  new Notification(ended.length === 1 ? `${image} ${WORDS[first.type]}` : `${ended.length} jobs ended`)
}
