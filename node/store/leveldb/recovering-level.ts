import { setTimeout as delay } from 'node:timers/promises'
import type { AbstractIterator } from 'abstract-level'
import { Level } from 'level'
import { StoreUnavailableError } from '../errors.ts'
import { hasRoom } from './room.ts'

/** Pause between two looks whether the disk has room again, in ms. */
const MEND_MS = 500
/** How long operations may be held up while those under way end, in ms; then it is tried again later. */
const QUIET_MS = 250

/** What whoever opens a database does around its close. */
export interface RecoveringLevelInit {
  /** Called when all is written, while the database is still open. */
  beforeClose(): Promise<void>
  /** Called when nothing of it is open any more. */
  afterClose(): Promise<void>
}

/** What the library has its own implementations override, and leaves out of its types. */
interface Hooks {
  _open(options: object): Promise<void>
  _close(): Promise<void>
  _put(...args: unknown[]): Promise<void>
  _del(...args: unknown[]): Promise<void>
  _batch(...args: unknown[]): Promise<void>
  _clear(...args: unknown[]): Promise<void>
  _get(...args: unknown[]): Promise<unknown>
  _getMany(...args: unknown[]): Promise<unknown>
  _has(...args: unknown[]): Promise<unknown>
  _hasMany(...args: unknown[]): Promise<unknown>
  _iterator(options: object): AbstractIterator<Level, string, string> & { _close(): Promise<void> }
}

const base = Level.prototype as unknown as Hooks

/** What `Level` has where there is a disk, which its types, good for browsers too, leave out. */
export interface OnDisk {
  /** Merges the tables that hold keys of this range. */
  compactRange(start: string, end: string): Promise<void>
  /** Bytes that the values of this range take on the disk, about. */
  approximateSize(start: string, end: string): Promise<number>
  /** Why nothing can be written; null while it can. Absent in memory. */
  problem?(): string | null
}

/** Makes a manifest anew from what the other files of a LevelDB hold. Nobody may have it open. */
export const { repair: repairLevel } = Level as unknown as { repair(location: string): Promise<void> }

/**
 * LevelDB that a full disk does no harm to.
 *
 * A failed write leaves half a record in LevelDB's log. Later writes would be answered as done and be lost with all that
 * follows the half record when the log is read again. So writes go one after the other, and after one that failed none
 * is taken, until there is room again and the database was opened anew, which cuts the half record off. That happens
 * under whoever uses it: reads go on meanwhile, and sublevels stay open.
 *
 * Not for chained batches, snapshots and synchronous reads.
 */
export class RecoveringLevel extends Level<string, string> {
  declare compactRange: OnDisk['compactRange']
  declare approximateSize: OnDisk['approximateSize']
  #openOptions: object = {}
  /** Why the last write failed; null while writing works. */
  #problem: string | null = null
  /** False while the database under this is closed. */
  #isOpen = false
  #active = 0
  #quiet: (() => void) | null = null
  #gate: Promise<void> | null = null
  #writes: Promise<void> = Promise.resolve()
  #mending: Promise<void> = Promise.resolve()
  #scope = new AbortController()
  readonly #init: RecoveringLevelInit

  constructor(location: string, init: RecoveringLevelInit) {
    super(location)
    this.#init = init
  }

  /** Why nothing can be written; null while it can. */
  problem(): string | null {
    return this.#problem
  }

  async _open(options: object): Promise<void> {
    this.#openOptions = options
    await base._open.call(this, options)
    this.#scope = new AbortController()
    this.#problem = null
    this.#isOpen = true
  }

  async _close(): Promise<void> {
    this.#scope.abort()
    await this.#mending
    await this.#writes
    if (this.#isOpen) {
      // A note that could not be written is one that is missing after a kill: nothing depends on it.
      if (this.#problem === null) await this.#init.beforeClose().catch(() => undefined)
      this.#isOpen = false
      await base._close.call(this)
    }
    await this.#init.afterClose()
  }

  async _put(...args: unknown[]): Promise<void> {
    await this.#write(async () => await base._put.apply(this, args))
  }

  async _del(...args: unknown[]): Promise<void> {
    await this.#write(async () => await base._del.apply(this, args))
  }

  async _batch(...args: unknown[]): Promise<void> {
    await this.#write(async () => await base._batch.apply(this, args))
  }

  async _clear(...args: unknown[]): Promise<void> {
    await this.#write(async () => await base._clear.apply(this, args))
  }

  async _get(...args: unknown[]): Promise<unknown> {
    return await this.#run(async () => await base._get.apply(this, args))
  }

  async _getMany(...args: unknown[]): Promise<unknown> {
    return await this.#run(async () => await base._getMany.apply(this, args))
  }

  async _has(...args: unknown[]): Promise<unknown> {
    return await this.#run(async () => await base._has.apply(this, args))
  }

  async _hasMany(...args: unknown[]): Promise<unknown> {
    return await this.#run(async () => await base._hasMany.apply(this, args))
  }

  /** Cannot wait, so the database is not closed under one that is open, and none begins while it is closed. */
  _iterator(options: object) {
    if (!this.#isOpen) throw this.#unavailable()
    const iterator = base._iterator.call(this, options)
    const close = iterator._close.bind(iterator)
    this.#active += 1
    iterator._close = async () => {
      await close()
      this.#leave()
    }
    return iterator
  }

  async #run<T>(task: () => Promise<T>): Promise<T> {
    while (this.#gate !== null) await this.#gate
    if (!this.#isOpen) throw this.#unavailable()
    this.#active += 1
    try {
      return await task()
    } finally {
      this.#leave()
    }
  }

  async #write(task: () => Promise<void>): Promise<void> {
    const turn = this.#writes.then(async () => {
      if (this.#problem !== null) throw this.#unavailable()
      try {
        await this.#run(task)
      } catch (error) {
        throw this.#failed(error)
      }
    })
    // Whoever asked for it hears how it went.
    this.#writes = turn.catch(() => undefined)
    await turn
  }

  #leave(): void {
    this.#active -= 1
    if (this.#active === 0) this.#quiet?.()
  }

  #failed(error: unknown): StoreUnavailableError {
    this.#problem = error instanceof Error ? error.message : String(error)
    this.#mending = this.#mend()
    return this.#unavailable(error)
  }

  #unavailable(cause?: unknown): StoreUnavailableError {
    return new StoreUnavailableError(`The store cannot be written: ${this.#problem ?? 'it is closed'}`, { cause })
  }

  async #mend(): Promise<void> {
    const { signal } = this.#scope
    while (!signal.aborted) {
      if ((await hasRoom(this.location)) && (await this.#reopen())) return
      // Aborted: the database closes.
      await delay(MEND_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Closes and opens the database in a moment without anything under way. False where there was none, or it failed. */
  async #reopen(): Promise<boolean> {
    const gate = Promise.withResolvers<void>()
    this.#gate = gate.promise
    try {
      if (!(await this.#untilQuiet())) return false
      if (this.#isOpen) await base._close.call(this)
      this.#isOpen = false
      await base._open.call(this, this.#openOptions)
      this.#isOpen = true
      this.#problem = null
      return true
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error)
      return false
    } finally {
      this.#gate = null
      gate.resolve()
    }
  }

  async #untilQuiet(): Promise<boolean> {
    if (this.#active === 0) return true
    const quiet = Promise.withResolvers<boolean>()
    const timer = setTimeout(() => quiet.resolve(false), QUIET_MS)
    this.#quiet = () => quiet.resolve(true)
    try {
      return await quiet.promise
    } finally {
      clearTimeout(timer)
      this.#quiet = null
    }
  }
}
