import { type KeyboardEvent, useEffect, useRef, useState } from 'react'

/**
 * For a menu that is made at the first click on the button that opens it. It opens a moment later, so that the focus comes
 * back to the button that is there now; and the button listens for Escape, since the menu closes by that key itself only once
 * it has the focus, which it takes a moment after it shows.
 */
export function useOpenedLate() {
  const target = useRef<HTMLButtonElement>(null)
  const [isOpen, setOpen] = useState(false)

  useEffect(() => {
    target.current?.focus()
    setOpen(true)
  }, [])

  return {
    target,
    menu: { opened: isOpen, onChange: setOpen },
    button: {
      ref: target,
      onKeyDown: ({ key }: KeyboardEvent) => {
        if (key === 'Escape') setOpen(false)
      },
    },
  }
}
