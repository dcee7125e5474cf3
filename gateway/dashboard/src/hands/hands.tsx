import { UnstyledButton } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { useNavigate } from '@tanstack/react-router'
import { lazy, Suspense, useState } from 'react'
import { useMay } from '../app/session.ts'
import { Icon } from '../ui/icons.tsx'
import { type HandKey, KEYS, useSingleKeys } from './keys.ts'
import { chooseRow, stepRow, toSearch } from './rows.ts'

const Anything = lazy(async () => ({ default: (await import('./anything.tsx')).Anything }))
const KeySheet = lazy(async () => ({ default: (await import('./key-sheet.tsx')).KeySheet }))

/** What the keyboard does on every page, and a button for those who have none. */
export function Hands() {
  const [open, setOpen] = useState<'anything' | 'sheet' | null>(null)
  const [hasSingleKeys] = useSingleKeys()
  const mayWrite = useMay('jobs:write')
  const navigate = useNavigate()
  const close = () => setOpen(null)

  const does: Record<HandKey, () => void> = {
    anything: () => setOpen('anything'),
    search: () => {
      if (!toSearch()) setOpen('anything')
    },
    create: () => {
      if (mayWrite) void navigate({ to: '/jobs/create' })
    },
    sheet: () => setOpen('sheet'),
    next: () => stepRow(1),
    previous: () => stepRow(-1),
    choose: chooseRow,
  }
  const { anything: _, ...single } = does
  useHotkeys(hotkeysOf({ anything: does.anything }), [])
  useHotkeys(hasSingleKeys ? hotkeysOf(single) : [])

  return (
    <>
      <UnstyledButton className="anything-button" onClick={does.anything}>
        <Icon name="search" size={16} />
        <span className="sr-only">Go to anything</span>
        <span className="anything-words" aria-hidden="true">
          Go to anything
          <span>
            {KEYS.anything.shown.map((key) => (
              <kbd key={key}>{key}</kbd>
            ))}
          </span>
        </span>
      </UnstyledButton>
      <Suspense fallback={null}>
        {open === 'anything' && <Anything onClose={close} onSheet={() => setOpen('sheet')} />}
        {open === 'sheet' && <KeySheet onClose={close} />}
      </Suspense>
    </>
  )
}

/** What is open over the page, and a terminal, have the keys to themselves. */
const BUSY = '[role="dialog"], [role="menu"]'

function hotkeysOf(does: Partial<Record<HandKey, () => void>>): Parameters<typeof useHotkeys>[0] {
  return (Object.entries(does) as [HandKey, () => void][]).flatMap(([name, act]) =>
    KEYS[name].hotkeys.map((hotkey): Parameters<typeof useHotkeys>[0][number] => [
      hotkey,
      (event) => {
        const isTerminal = event.target instanceof Element && event.target.closest('.xterm') !== null
        if (isTerminal || document.querySelector(BUSY) !== null) return
        event.preventDefault()
        act()
      },
      { preventDefault: false },
    ]),
  )
}
