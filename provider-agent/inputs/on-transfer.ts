/** Told how many bytes of all that a job brings are there. */
export type OnTransfer = (done: number, total: number) => void
