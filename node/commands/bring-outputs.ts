import { outputRoots } from '../../protocol/job-outputs.ts'
import type { ClientNode } from '../index.ts'
import { outputArrived } from '../outputs/arrived.ts'
import type { JobRecord } from '../store/index.ts'
import type { StatusLine } from './status-line.ts'

/**
 * Waits for what an ended job left at its `outputs`, and unpacks it; does nothing where it left nothing and was not to.
 *
 * @param init.folder made where it is missing
 * @param init.signal waits no longer
 * @returns why there is nothing of it in the folder, for people; null where all is well
 */
export async function bringOutputs(
  node: Pick<ClientNode, 'store' | 'outputs'>,
  ended: JobRecord,
  init: { folder: string; signal: AbortSignal },
  status: StatusLine,
): Promise<string | null> {
  if (ended.output === undefined) return null
  if (ended.output.state === 'waiting') status.now('fetching the outputs')
  const { output = ended.output } = await outputArrived(node.store, ended, init.signal)
  if (output.state === 'waiting') return 'the outputs were not waited for'
  for (const { name, bytes, objects = 0, problem } of output.sent ?? []) {
    const what = objects === 1 || objects === 0 ? `${bytes} bytes` : `${bytes} bytes in ${objects} objects`
    status.done(problem === '' ? `output ${name} was sent, ${what}` : `output ${name} was not sent: ${problem}`)
  }
  if (output.state === 'sent') return null
  const kept = output.state === 'kept' ? await node.outputs.open(ended.id) : null
  if (kept === null) return `there are no outputs: ${output.message}`
  try {
    const { extractTar } = await import('../outputs/extract.ts')
    const roots = outputRoots(ended.spec.outputs)
    const { entries, files, bytes, leftOut } = await extractTar(kept.stream, init.folder, roots)
    status.done(`${files} files of outputs, ${bytes} bytes, in ${init.folder}`)
    for (const { path, reason } of [...(output.leftOut ?? []), ...leftOut]) status.done(`left out: ${path} ${reason}`)
    return entries === 0 ? 'nothing of the outputs arrived' : null
  } catch (error) {
    return `the outputs were not unpacked: ${(error as Error).message}`
  }
}
