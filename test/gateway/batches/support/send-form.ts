import type { Answer, TestGateway } from '../../support/test-gateway.ts'

export const BATCH = '/api/plugin-core/jobs/batch'

export interface FormFields {
  base?: unknown
  file?: string | Uint8Array<ArrayBuffer>
  concurrency?: string
}

/** Sends a batch as a form. @param path e.g. `${BATCH}?dryRun=true` */
export async function sendForm(
  gateway: TestGateway,
  { base, file, concurrency }: FormFields,
  path = BATCH,
): Promise<Answer> {
  const data = new FormData()
  if (base !== undefined) data.append('base', typeof base === 'string' ? base : JSON.stringify(base))
  if (file !== undefined) data.append('file', new Blob([file]), 'rows.csv')
  if (concurrency !== undefined) data.append('concurrency', concurrency)
  const request = new Request('http://localhost/', { method: 'POST', body: data })
  return await gateway.ask('POST', path, {
    body: new Uint8Array(await request.arrayBuffer()),
    headers: { 'Content-Type': request.headers.get('content-type') as string },
  })
}
