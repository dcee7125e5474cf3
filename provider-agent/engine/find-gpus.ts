/** The NVIDIA GPUs of this machine, as the driver's own tool lists them. */

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { parse } from 'csv-parse/sync'
import type { Gpu } from './index.ts'

const QUERY = ['--query-gpu=index,uuid,name,memory.total', '--format=csv,noheader,nounits']
/** A driver that has lost a GPU can take this long to say so, in ms. */
const TIMEOUT_MS = 10_000
const MIB = 2 ** 20

/** None where there is no driver, or it does not answer. */
export async function findGpus(): Promise<Gpu[]> {
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', QUERY, { timeout: TIMEOUT_MS })
    return parseGpus(stdout)
  } catch {
    return [] // Not installed, or it failed: what cannot be listed cannot be sold.
  }
}

/** A line that is not whole (`[Unknown Error]`, `[N/A]`) is a GPU that does not work at the moment: left out. */
export function parseGpus(csv: string): Gpu[] {
  const rows: string[][] = parse(csv, { trim: true, relaxColumnCount: true, relaxQuotes: true, skipEmptyLines: true })
  return rows.flatMap(([index = '', uuid = '', model = '', memory = '']) => {
    const isGpu = /^\d{1,3}$/.test(index) && /^GPU-[0-9a-f-]{8,64}$/.test(uuid) && /^\d{1,9}$/.test(memory)
    if (!isGpu || model === '' || model.startsWith('[')) return []
    return [{ index: Number(index), uuid, model: model.slice(0, 128), memoryBytes: Number(memory) * MIB }]
  })
}
