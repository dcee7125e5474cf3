import { useSyncExternalStore } from 'react'

/** The one moment that all charts of a page point at; null while nobody points. */
export interface Crosshair {
  at(): number | null
  point(at: number | null): void
  subscribe(listener: () => void): () => void
}

/** One that points nowhere yet. */
export function createCrosshair(): Crosshair {
  const listeners = new Set<() => void>()
  let current: number | null = null
  return {
    at: () => current,
    point(at) {
      if (at === current) return
      current = at
      for (const listener of listeners) listener()
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

/** Where it points, kept up to date. */
export function useCrosshair(crosshair: Crosshair): number | null {
  return useSyncExternalStore(crosshair.subscribe, crosshair.at)
}
