import { useSyncExternalStore } from 'react'
import { exact, relative } from '../format/time.ts'

const listeners = new Set<() => void>()
let nowMs = Date.now()
let timer: ReturnType<typeof setInterval> | undefined

/** The time, every second; all parts of the page share one timer. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => nowMs)
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= setInterval(() => {
    nowMs = Date.now()
    for (const each of listeners) each()
  }, 1000)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

/** `5 min ago`, with the exact time on hover. */
export function Ago({ at }: { at: string | number | null | undefined }) {
  const now = useNow()
  if (at === null || at === undefined) return <span>–</span>
  const date = new Date(at)
  return (
    <time dateTime={date.toISOString()} title={exact(date.getTime())} className="nowrap">
      {relative(date.getTime(), now)}
    </time>
  )
}
