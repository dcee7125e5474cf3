/** Fields of a submission that a failure may ask to change: rows of `failures.ts` name them, `remedies.ts` knows how. */
export type RemedyField =
  | 'memory'
  | 'storage'
  | 'pids'
  | 'ulimits'
  | 'shmSize'
  | 'maxNetwork'
  | 'duration'
  | 'leaseTimeout'
