/**
 * A firewall in a process of its own, for a test that starts it in another network namespace: `firewall-child OWNER`. Does
 * what the test's messages say (`ensure`, `problem`, `stop`, and `end`, which is `stop` with no job left), and answers each.
 */
import { silentLogger } from '../../../node/logger.ts'
import { createFirewall } from '../../../provider-agent/isolation/firewall.ts'

const firewall = createFirewall({ logger: silentLogger }, { owner: process.argv[2] ?? '', nameServers: ['9.9.9.9'] })

process.on('message', async (method: 'ensure' | 'problem' | 'stop' | 'end') => {
  try {
    const value = await (method === 'end' ? firewall.stop({ isUnused: true }) : firewall[method]())
    process.send?.({ value: value ?? null, isInForce: firewall.isInForce })
  } catch (error) {
    process.send?.({ error: (error as Error).message, isInForce: firewall.isInForce })
  }
})
process.on('disconnect', () => process.exit())
