/** Largest body of a batch, in bytes: 10,000 rows of 3 KB. Other requests are held to a smaller one. */
export const MAX_BATCH_BODY_BYTES = 32 * 1024 * 1024
/** Rows of one batch. */
export const MAX_BATCH_ROWS = 10_000
/** Characters of all its jobs together, as JSON: a large base times many rows would fill the disk. */
export const MAX_BATCH_TEXT_LENGTH = 256 * 1024 * 1024
/** Largest `base`, in bytes: as large as any request may be. */
export const MAX_BASE_BYTES = 1024 * 1024
/** Largest row of a file, in characters. */
export const MAX_ROW_LENGTH = 256 * 1024
/** Columns of a file. */
export const MAX_COLUMNS = 1000
/** Jobs of a batch that run at a time where nothing is said. */
export const DEFAULT_CONCURRENCY = 10
/** Bad rows that are told one by one. */
export const MAX_TOLD_ROWS = 100
/** Problems that are told of one row. */
export const MAX_TOLD_OF_ROW = 10
/** Values in one job, those inside of others included: more than any valid one has, and few enough to be checked at once. */
export const MAX_JOB_VALUES = 4096
/** Placeholders of columns that one job is put together of: more than its text has room for to be of use. */
export const MAX_PLACEHOLDERS = 10_000
