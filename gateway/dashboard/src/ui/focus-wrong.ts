import { useEffect } from 'react'

/** A field's own sign, or where it is said what is wrong with one that has several inputs, or with none that is shown. */
const WRONG = '[aria-invalid="true"], [class*="InputWrapper-error"], [class*="InlineInput-error"], [data-problems]'
const INPUTS = 'input, textarea, select, button, [tabindex]'

/** Goes to the first field of the page that is wrong whenever an answer says that some are. */
export function useFocusWrong(problems: readonly unknown[]): void {
  useEffect(() => {
    if (problems.length === 0) return
    // When they are shown.
    const frame = requestAnimationFrame(() => {
      const wrong = document.querySelector('main')?.querySelector<HTMLElement>(WRONG)
      const field = wrong?.matches(INPUTS) === true ? wrong : wrong?.closest('[class*="-root"]')?.querySelector(INPUTS)
      if (!(field instanceof HTMLElement)) return
      field.focus({ preventScroll: true })
      field.scrollIntoView({ block: 'center' })
    })
    return () => cancelAnimationFrame(frame)
  }, [problems])
}
