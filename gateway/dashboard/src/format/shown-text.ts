import { escapeText } from '../../../contract/names.ts'

/**
 * A name that a container or another peer chose, as it is shown: what would reorder, hide or break it is written out, so that
 * `one` cannot pass for another.
 *
 * @param most characters of it that are shown. @default 255, the longest name of a file
 */
export function shownText(name: string, most = 255): string {
  const text = escapeText(name)
  return text.length > most ? `${text.slice(0, most)}…` : text
}
