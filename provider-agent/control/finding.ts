/** What a look at the agent itself found. */
export interface Finding {
  subject:
    | 'ready'
    | 'announcing'
    | 'clock'
    | 'connectivity'
    | 'policy'
    | 'price'
    | 'isolation'
    | 'walls'
    | 'storage'
    | 'gpus'
    | 'shared'
    | 'yielding'
    | 'bandwidth'
  /** A problem keeps the job away; a note may keep some jobs away. */
  level: 'ok' | 'note' | 'problem'
  /** For people: what was found, and what to do about it. */
  text: string
}
