import type { JobSpec } from '../../protocol/job-spec.ts'

/** What is wrong with one row. */
export interface RowProblem {
  /** Column of the file, or field of the job, by path. */
  column: string
  reason: string
}

/** One job to be, or why it is none. */
export interface Row {
  /** 1 for the first; a file's header is not counted. */
  row: number
  /** Line of the file on which it ends; null where there is no file. */
  line: number | null
  spec: JobSpec | null
  /** Characters that it took to make it, or to see that it is none: all rows together are bounded by them. */
  length: number
  problems: RowProblem[]
  /** Where its job comes from. @default its number */
  origin?: RowOrigin
}

/** Where a job of a row comes from, beside its batch. */
export interface RowOrigin {
  row: string
  resubmittedFrom?: string
}

/** Reads the rows from the beginning each time, holding one at a time. */
export type RowSource = () => AsyncIterable<Row>
