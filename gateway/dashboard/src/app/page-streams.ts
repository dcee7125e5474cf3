import { createStreams } from '../streams/stream-fetch.ts'
import { readNotices } from './job-notices.ts'

/** This page's event streams. Nothing is open while nobody looks at it, or while the browser only keeps it for later. */
export const pageStreams = createStreams(location.origin)

const listeners = new Set<() => void>()

/** Calls back when the streams are paused, or go on. Returns the way to stop. */
export function onPause(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Notices on the desktop are for those who do not look: who wants them keeps what they are made of. */
function isWanted(): boolean {
  if (document.visibilityState === 'visible') return true
  return readNotices().onDesktop && 'Notification' in window && Notification.permission === 'granted'
}

function follow(isShown: boolean): void {
  const isOpen = isShown && isWanted()
  if (isOpen !== pageStreams.isShut()) return
  if (isOpen) pageStreams.open()
  else pageStreams.shut()
  for (const listener of listeners) listener()
}

document.addEventListener('visibilitychange', () => follow(true))
addEventListener('pagehide', () => follow(false))
addEventListener('pageshow', () => follow(true))
document.addEventListener('freeze', () => follow(false))
document.addEventListener('resume', () => follow(true))
follow(true)
