// npm install cortex-client; node sandbox.ts
import { CortexClient } from 'cortex-client'

const {
  CORTEX_GATEWAY: baseUrl = 'http://localhost:13000',
  CORTEX_KEY: apiKey = '',
  IMAGE: image = 'busybox:1.36',
} = process.env
const client = new CortexClient({ baseUrl, apiKey })

// It runs when this resolves, and ends by itself after ten minutes, or two in which nothing ran in it.
const box = await client.sandboxes.create({
  ...{ image, ttl: 600, idle: 120, ports: [{ port: 8000 }] },
  ...{ cpu: 100, memory: '32Mi', storage: '32Mi' },
})
try {
  await box.files.write('/work/page.html', 'a page\n')
  const { exitCode, stdout } = await box.exec('ls; exit 3', { cwd: '/work' })
  console.log(exitCode, stdout.trim())

  for await (const output of box.stream('for i in 1 2 3; do echo line $i; done')) {
    if (output.type === 'stdout') process.stdout.write(output.text)
    if (output.type === 'exit') console.log('exited with', output.exitCode)
  }

  await box.exec(['httpd', '-p', '8000', '-h', '/work'])
  const { url, headers } = box.port(8000)
  console.log((await (await fetch(`${url}page.html`, { headers })).text()).trim())
} finally {
  await box.stop()
}
