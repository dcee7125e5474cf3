import { parse } from 'csv-parse/browser/esm/sync'
import {
  type Cells,
  columnNames,
  csvReading,
  delimiterOf,
  NOT_UTF8,
  SAMPLE_LENGTH,
} from '../../../contract/csv-text.ts'

/** A file of rows as it is shown, read by the same rules as the gateway reads it again by itself. */
export interface CsvFile {
  name: string
  text: string
  columns: string[]
  /** Up to the first that cannot be read, and that one, then empty: the gateway says what is wrong with it. */
  rows: string[][]
}

/** @throws {Error} where it is no text, or has no header */
export async function readCsv(file: File): Promise<CsvFile> {
  const text = textOf(await file.arrayBuffer())
  const all: Cells[] = []
  const reading = csvReading(delimiterOf(text.slice(0, SAMPLE_LENGTH)), ({ cells }) => all.push(cells))
  try {
    parse(text, reading.options)
  } catch (error) {
    const problem = reading.problem(error)
    if (problem === null) throw error
    if (problem.row === 0) throw new Error(`Line ${problem.line}: ${problem.reason}`)
    all.push([])
  }
  const [header, ...rows] = all
  if (header === undefined) throw new Error('The file is empty: its first row has to name the columns.')
  return {
    name: file.name,
    text,
    columns: columnNames(header),
    rows: rows.map((cells) => cells.map((cell) => cell ?? '')),
  }
}

function textOf(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new Error(`The file ${NOT_UTF8}`, { cause })
  }
}
