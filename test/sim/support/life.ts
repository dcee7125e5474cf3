/** A process that can be killed at any point of its work: between any two things it does to the world around it. */

/** One run of a process, from its start to its end. */
export interface Life {
  readonly alive: boolean
  /** Called before each thing the process does to disk, network or engine; false once it is dead: then nothing is done. */
  act(): boolean
  /** Dies instead of doing the `count`-th thing from now on; 1 is the next one. */
  dieBefore(count: number): void
  /** Dies now. Repeating it is no error. */
  end(): void
}

export function createLife(onEnd: () => void): Life {
  let alive = true
  let left = Number.POSITIVE_INFINITY

  function end(): void {
    if (!alive) return
    alive = false
    onEnd()
  }

  return {
    get alive() {
      return alive
    },
    act() {
      left -= 1
      if (left <= 0) end()
      return alive
    },
    dieBefore(count) {
      left = count
    },
    end,
  }
}

/** What a call of a dead process answers: nothing, ever. */
export function never<T>(): Promise<T> {
  return new Promise(() => undefined)
}

/**
 * The same object while the process lives. Afterwards those of its methods that are `acts` never answer and change
 * nothing; the others stay as they are.
 */
export function mortal<T extends object>(target: T, life: Life, acts: readonly (keyof T)[]): T {
  const wrapped = new Map<string | symbol, unknown>()
  for (const name of acts) {
    const method = target[name] as (...args: unknown[]) => unknown
    wrapped.set(name as string, (...args: unknown[]) => (life.act() ? method.apply(target, args) : never()))
  }
  return new Proxy(target, {
    get(object, property) {
      const own = wrapped.get(property)
      if (own !== undefined) return own
      const value = Reflect.get(object, property, object)
      return typeof value === 'function' ? value.bind(object) : value
    },
  })
}
