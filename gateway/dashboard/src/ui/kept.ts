import { useRef, useState } from 'react'

/** Begins the names under which this tab keeps what was typed. */
const PREFIX = 'cortex-draft '
/** Begins the names of what goes from page to page. */
const HANDED = `${PREFIX}handed `
/** Whose it is. */
const OWNER = `${PREFIX}owner`

/** All of it, for as long as the page is not loaded anew. */
const memory = new Map<string, unknown>()

/**
 * What somebody typed into a form and has not submitted: it outlives going back, loading the page anew and the end of
 * the session, in this tab. What may not be written down (secrets) is kept until the page is loaded anew.
 *
 * @param form which form, e.g. `template 17`: what is kept goes when all of it is forgotten
 */
export function useKept<T>(form: string, name: string, initial: T, toStore: (value: T) => unknown = (value) => value) {
  const key = `${PREFIX}${form} ${name}`
  const [value, setValue] = useState(() => read<T>(key) ?? initial)
  const latest = useRef(value)
  /** A function is given what was set last. */
  function set(next: T | ((before: T) => T)): void {
    latest.current = next instanceof Function ? next(latest.current) : next
    keep(key, latest.current, toStore(latest.current))
    setValue(latest.current)
  }
  return [value, set] as const
}

/**
 * A text that only this page has, and the one that it is loaded anew as: a tab that is duplicated gets what the storage
 * has, so this is there only from one page to the next. Undefined is nothing.
 */
export function handedText(
  form: string,
  name: string,
): { get(): string | undefined; set(text: string | undefined): void } {
  const key = `${HANDED}${form} ${name}`
  return {
    get: () => memory.get(key) as string | undefined,
    set: (text) => void (text === undefined ? drop(key) : memory.set(key, text)),
  }
}

/** Takes what the page before handed over, and hands it on when this one goes. To be called once, when a page begins. */
export function handOver(): void {
  const take = (): void => {
    for (const key of keys().filter((name) => name.startsWith(HANDED))) {
      const text = read<string>(key)
      drop(key)
      memory.set(key, text)
    }
  }
  take()
  addEventListener('pagehide', () => {
    for (const [key, text] of memory) if (key.startsWith(HANDED)) keep(key, text, text)
  })
  addEventListener('pageshow', take) // also of a page that one came back to
}

/** Keeps a value for a form that is not open, as {@link useKept} would. */
export function keepValue<T>(form: string, name: string, value: T, toStore: (value: T) => unknown): void {
  keep(`${PREFIX}${form} ${name}`, value, toStore(value))
}

/** Whether something of a form was kept. */
export function hasKept(form: string): boolean {
  return keys().some((key) => key.startsWith(`${PREFIX}${form} `))
}

/** To be called when a form was submitted, or begins anew. */
export function forget(form: string): void {
  for (const key of keys()) if (key.startsWith(`${PREFIX}${form} `)) drop(key)
}

const forgetting = new Set<() => void>()

/** Calls back when nothing of who was signed in may stay in this page. */
export function onForgetAll(callback: () => void): void {
  forgetting.add(callback)
}

/** To be called when somebody signs out, or another signs in: drafts of every form go, and whose they were. */
export function forgetAll(): void {
  for (const tell of forgetting) tell()
  for (const key of keys()) drop(key)
}

/** Whether somebody has signed in with this tab, and not out again. */
export function isOwned(): boolean {
  return sessionStorage.getItem(OWNER) !== null
}

/** What another has typed is nothing for who signs in now. */
export function keepFor(owner: string): void {
  const before = sessionStorage.getItem(OWNER)
  if (before !== null && before !== owner) forgetAll()
  sessionStorage.setItem(OWNER, owner)
}

function read<T>(key: string): T | undefined {
  if (memory.has(key)) return memory.get(key) as T
  try {
    const text = sessionStorage.getItem(key)
    return text === null ? undefined : (JSON.parse(text) as T)
  } catch {
    return undefined // somebody else wrote there
  }
}

function keep(key: string, value: unknown, stored: unknown): void {
  memory.set(key, value)
  try {
    sessionStorage.setItem(key, JSON.stringify(stored))
  } catch {
    sessionStorage.removeItem(key) // too long to be kept: the memory has it
  }
}

function drop(key: string): void {
  memory.delete(key)
  sessionStorage.removeItem(key)
}

function keys(): string[] {
  const stored = Object.keys(sessionStorage).filter((key) => key.startsWith(PREFIX))
  return [...new Set([...memory.keys(), ...stored])]
}
