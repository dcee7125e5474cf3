/** Rows of lists and tables, wherever they are on the page. */
const ROWS = 'main :is([role="rowgroup"]:not(.grid-head) > [role="row"], tbody > tr)'

/** Gives the focus to the link of the row below or above the one that has it; without one, to the first in sight. */
export function stepRow(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>(ROWS)].filter((row) => linkOf(row) !== null)
  const at = rows.findIndex((row) => row.contains(document.activeElement))
  const first = rows.find((row) => isInSight(row))
  linkOf(at === -1 ? first : rows[at + by])?.focus()
}

/** Selects the row that has the focus, or no more. */
export function chooseRow(): void {
  document.activeElement?.closest(ROWS)?.querySelector<HTMLElement>('input[type="checkbox"]')?.click()
}

/** Gives the focus to the page's own search. @returns false where it has none */
export function toSearch(): boolean {
  const field = [...document.querySelectorAll<HTMLInputElement>('main input[data-search]')].find(
    (one) => one.offsetParent !== null,
  )
  field?.focus()
  field?.select()
  return field !== undefined
}

function linkOf(row: HTMLElement | undefined): HTMLElement | null {
  return row?.querySelector('a') ?? null
}

function isInSight(row: HTMLElement): boolean {
  const { top, bottom } = row.getBoundingClientRect()
  const above = row.closest('.table-scroller')?.querySelector('.grid-head')?.getBoundingClientRect().bottom ?? 0
  return top >= above - 1 && bottom <= innerHeight
}
