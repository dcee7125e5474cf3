// npm install cortex-client; node hello.ts
import { CortexClient, CortexError, type Job } from 'cortex-client'

const {
  CORTEX_GATEWAY: baseUrl = 'http://localhost:13000',
  CORTEX_KEY: apiKey = '',
  IMAGE: image = 'busybox:1.36',
} = process.env
const client = new CortexClient({ baseUrl, apiKey })

try {
  const submitted = await client.jobs.submit({
    image,
    command: ['sh', '-c'],
    args: ['for i in 1 2 3; do echo line $i; done'],
    ...{ cpu: 100, memory: '32Mi', storage: '32Mi', duration: 60 },
  })
  // Resumed by itself where the connection breaks; ends with the job.
  for await (const { line } of client.jobs.logs(submitted.id, { follow: true })) console.log(line)
  const job: Job = await client.jobs.get(submitted.id)
  console.log(job.status, job.results.exitCode, `$${job.cost.final ?? job.cost.current}`)
} catch (error) {
  if (!(error instanceof CortexError)) throw error
  console.error(error.code, error.message)
  process.exitCode = 1
}
