import { join } from 'node:path'

const root = join(import.meta.dirname, '../../..')
const own = (name: string): string => join(import.meta.dirname, name)

/** Modules of the program by their paths, and what stands before them in a process under test. */
export const STAND_INS: ReadonlyMap<string, string> = new Map([
  [join(root, 'node/network/libp2p-network.ts'), own('faulty-network.ts')],
  [join(root, 'provider-agent/engine/docker.ts'), own('faulty-engine.ts')],
])

/** The program with them, for a bundle; from its source they are put in as it is loaded. */
export const FAULTY_PROGRAM = own('faulty-program.ts')
