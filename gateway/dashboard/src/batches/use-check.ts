import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import type { FieldProblem } from '../../../client/errors.ts'
import { CortexError } from '../../../client/errors.ts'
import type { CsvBatch } from '../../../client/index.ts'
import { client } from '../app/client.ts'

/** What the gateway says against one row. */
export interface BadRow {
  /** From 1, the header not counted. */
  row: number
  /** Empty: the row as a whole. */
  column: string
  reason: string
}

/** How a batch would be taken. */
export interface Check {
  /** `waiting`: there is nothing to check yet. */
  state: 'waiting' | 'checking' | 'right' | 'wrong'
  /** Rows, where all are right; 0 else. */
  total: number
  /** How many rows are wrong. */
  badRows: number
  /** The first of them. */
  rows: BadRow[]
  /** What is wrong with all rows alike. */
  baseProblems: FieldProblem[]
  message: string
}

const NOTHING: Check = { state: 'waiting', total: 0, badRows: 0, rows: [], baseProblems: [], message: '' }
const PAUSE_MS = 500

/** Has the gateway check all rows, whenever they or the base have changed. */
export function useCheck(batch: CsvBatch | null): Check {
  const text = JSON.stringify(batch)
  const [asked] = useDebouncedValue(text, PAUSE_MS)
  const query = useQuery({
    queryKey: ['batch-check', asked],
    queryFn: async ({ signal }) => await client.batches.checkCsv(JSON.parse(asked) as CsvBatch, { signal }),
    enabled: asked !== 'null',
    retry: false,
    gcTime: 0,
  })
  if (batch === null) return NOTHING
  if (text !== asked || query.isPending) return { ...NOTHING, state: 'checking' }
  if (query.data !== undefined) return { ...NOTHING, state: 'right', total: query.data.total }
  return wrong(query.error)
}

function wrong(error: unknown): Check {
  const details = error instanceof CortexError ? (error.details ?? {}) : {}
  const rows = Array.isArray(details.rows) ? (details.rows as BadRow[]) : []
  const fields = Array.isArray(details.fields) ? (details.fields as FieldProblem[]) : []
  return {
    state: 'wrong',
    total: 0,
    badRows: typeof details.badRows === 'number' ? details.badRows : rows.length,
    rows,
    baseProblems: fields.filter(({ path }) => !path.startsWith('rows[')),
    message: error instanceof Error ? error.message : String(error),
  }
}
