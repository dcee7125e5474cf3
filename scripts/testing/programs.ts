import { join } from 'node:path'

/** The variable by which a run of the tests says where its bundle of `cortex` is; `bundledPrograms` makes it. */
export const PROGRAM_VARIABLE = 'CORTEX_TEST_PROGRAM'
/** The same of the one with faults in it. */
export const FAULTY_PROGRAM_VARIABLE = 'CORTEX_TEST_FAULTY_PROGRAM'

/** The source of `cortex`, which is what people run in a checkout. */
export const SOURCE = join(import.meta.dirname, '../../bin/cortex.ts')
/** Path of the `cortex` that tests start: in a large run of them a bundle, else its source. */
export const PROGRAM = process.env[PROGRAM_VARIABLE] ?? SOURCE
