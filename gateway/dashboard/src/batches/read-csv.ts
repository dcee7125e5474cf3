import Papa from 'papaparse'

/** A file of rows as it is shown; the gateway reads the text again by itself. */
export interface CsvFile {
  name: string
  text: string
  columns: string[]
  rows: string[][]
}

/** @throws {Error} where it has no header */
export async function readCsv(file: File): Promise<CsvFile> {
  const text = await file.text()
  const { data } = Papa.parse<string[]>(text, { skipEmptyLines: 'greedy', delimitersToGuess: [',', ';', '\t'] })
  const [columns, ...rows] = data
  if (columns === undefined) throw new Error('The file is empty: its first row has to name the columns.')
  return { name: file.name, text, columns: columns.map((name) => name.trim()), rows }
}
