import { glob } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { HostileInput } from './inputs.ts'

export interface Area {
  name: string
  inputs: HostileInput[]
}

/** Every file of `test/attack/inputs` exports the inputs of one area as `inputs`. */
export async function allInputs(): Promise<Area[]> {
  const folder = join(import.meta.dirname, '..', 'inputs')
  const areas: Area[] = []
  for await (const file of glob('*.ts', { cwd: folder })) {
    const { inputs } = (await import(join(folder, file))) as { inputs: HostileInput[] }
    areas.push({ name: basename(file, '.ts'), inputs })
  }
  return areas.toSorted((a, b) => a.name.localeCompare(b.name))
}
