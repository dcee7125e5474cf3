/** The pieces that pages of the reference are made of. */

/** A page of the reference. */
export interface ReferencePage {
  /** Below `docs/`, e.g. `reference/metrics.md`. */
  path: string
  text: string
}

/** @param source what the page is made from, as a reader finds it */
export function pageOf(path: string, title: string, source: string, parts: string[]): ReferencePage {
  return { path, text: `${[`# ${title}`, `Made from ${source} by \`npm run gen\`.`, ...parts].join('\n\n')}\n` }
}

/** A table, without the columns in which no row says anything. */
export function table(heads: string[], rows: string[][]): string {
  const kept = heads.map((_head, at) => at === 0 || rows.some((row) => (row[at] ?? '') !== ''))
  const line = (cells: string[]) =>
    `| ${cells
      .filter((_cell, at) => kept[at])
      .map(cellText)
      .join(' | ')} |`
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n')
}

/** As code; a backtick in it needs two around. */
export function code(text: string): string {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``
}

/** A value as it is written in JSON. */
export function jsonCode(value: unknown): string {
  return code(JSON.stringify(value))
}

/** A block of code. */
export function fence(language: string, text: string): string {
  return `\`\`\`${language}\n${text.replace(/\n$/, '')}\n\`\`\``
}

/** Outside code, what a page would take for HTML is written out. */
function cellText(text: string): string {
  const parts = text.replaceAll('\n', ' ').split(/(`[^`]*`)/)
  return parts
    .map((part) => (part.startsWith('`') ? part : part.replaceAll('<', '&lt;')))
    .join('')
    .replaceAll('|', '\\|')
}
