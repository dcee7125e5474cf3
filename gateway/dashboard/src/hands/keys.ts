import { useLocalStorage } from '@mantine/hooks'

/** `⌘` on a Mac, `Ctrl` elsewhere. */
const MOD = /Mac|iP(?:hone|ad)/.test(navigator.platform) ? '⌘' : 'Ctrl'

/** What a key does. */
export interface KeyUse {
  /** As `useHotkeys` reads them: any of these. Absent where what has the focus listens by itself. */
  hotkeys?: readonly string[]
  /** As they are written on a keyboard. */
  shown: readonly string[]
  does: string
  where: 'Everywhere' | 'In a list' | 'In a log' | 'In a terminal'
}

/** Every key that does something; what listens and the sheet of keys are made of this. */
export const KEYS = {
  anything: { hotkeys: ['mod+K'], shown: [MOD, 'K'], does: 'Go to anything', where: 'Everywhere' },
  // With Shift too: keyboards differ in where they have them.
  search: { hotkeys: ['/', 'shift+/'], shown: ['/'], does: 'Search what is shown', where: 'Everywhere' },
  create: { hotkeys: ['C'], shown: ['C'], does: 'Create a job', where: 'Everywhere' },
  sheet: { hotkeys: ['?', 'shift+?'], shown: ['?'], does: 'Show these keys', where: 'Everywhere' },
  next: { hotkeys: ['J'], shown: ['J'], does: 'To the next row', where: 'In a list' },
  previous: { hotkeys: ['K'], shown: ['K'], does: 'To the row before', where: 'In a list' },
  choose: { hotkeys: ['X'], shown: ['X'], does: 'Select the row, or not', where: 'In a list' },
  open: { shown: ['Enter'], does: 'Open the row', where: 'In a list' },
  match: { shown: ['Enter'], does: 'To the next match, from its search', where: 'In a log' },
  matchBefore: { shown: ['Shift', 'Enter'], does: 'To the match before', where: 'In a log' },
  leaveFull: { shown: ['Esc'], does: 'Leave the full screen', where: 'In a log' },
  leaveTerminal: { shown: ['Shift', 'Tab'], does: 'Leave the terminal', where: 'In a terminal' },
} as const satisfies Record<string, KeyUse>

/** The name of a key that the page listens to. */
export type HandKey = {
  [K in keyof typeof KEYS]: (typeof KEYS)[K] extends { hotkeys: readonly string[] } ? K : never
}[keyof typeof KEYS]

/** Whether single keys do something. Who speaks to the machine can do without them (WCAG 2.1.4); this browser keeps it. */
export function useSingleKeys() {
  return useLocalStorage({ key: 'cortex-keys', defaultValue: true, getInitialValueInEffect: false })
}
