/** Something of a job's outputs that was not kept. */
export interface LeftOut {
  /** Within the output, e.g. `out/pipe`, or the output's own path where there is nothing of it. */
  path: string
  /** For people, to be read behind the path: `is a pipe`. */
  reason: string
}
