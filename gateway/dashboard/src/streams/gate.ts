/** Where streams wait until they may be opened. */
export interface Gate {
  /** Resolves at once, or when it is opened. */
  ready(): Promise<void>
  shut(): void
  open(): void
  isShut(): boolean
}

/** Open at first. */
export function createGate(): Gate {
  let waiting: PromiseWithResolvers<void> | null = null
  return {
    ready: async () => await waiting?.promise,
    shut() {
      waiting ??= Promise.withResolvers()
    },
    open() {
      waiting?.resolve()
      waiting = null
    },
    isShut: () => waiting !== null,
  }
}
