/** Rows that the program in the container, or what was asked for it, brings about. */

import type { JobSubmission } from '../../../../protocol/job-spec.ts'
import { invalidCommand } from '../../../../provider-agent/engine/invalid-command.ts'
import type { SellerInit } from '../../../integration/support/market.ts'
import type { Way, Ways } from './stage.ts'

/** Goes on until the limits were looked at twice, on a busy machine, too. */
const LINGER = 'sleep 20; exit 1'

function script(how: string, text: string, changes: Partial<JobSubmission> = {}): Way {
  return { how, bring: async ({ run }) => await run(text, changes) }
}

/** @param odd image of programs that cannot be executed */
function command(how: string, odd: () => string, words: string[]): Way {
  return { how, bring: async ({ run }) => await run('', { image: odd(), command: words, args: [] }) }
}

const limits: Ways = {
  'RESOURCE_LIMIT_EXCEEDED out-of-memory': script('a program that takes ever more memory', 'tail /dev/zero', {
    memory: '16Mi',
  }),
  'RESOURCE_LIMIT_EXCEEDED storage-limit': script(
    'a program that writes more than its storage',
    'head -c 50000000 /dev/zero > /file; sleep 1000',
  ),
  'RESOURCE_LIMIT_EXCEEDED process-limit': script(
    'a program that starts too many others',
    `sh -c 'for i in $(seq 40); do sleep 30 & done'; ${LINGER}`,
    { pids: 20, memory: '64Mi' },
  ),
  'RESOURCE_LIMIT_EXCEEDED file-limit': script(
    'a program that opens too many files',
    `mkdir /d; for i in $(seq 100); do : >/d/$i; done; tail -f /d/* & ${LINGER}`,
    { ulimits: { nofile: 64 }, memory: '64Mi' },
  ),
  'RESOURCE_LIMIT_EXCEEDED shared-memory-limit': script(
    'a program that fills /dev/shm',
    `head -c 100000000 /dev/zero >/dev/shm/x; ${LINGER}`,
    { shmSize: '8Mi', memory: '64Mi' },
  ),
  // It knocks at its gateway, which lets nobody in: that is a few packets of 60 bytes.
  'RESOURCE_LIMIT_EXCEEDED network-limit': script(
    'a program that sends more than it may',
    "while :; do nc -w 1 $(ip route | sed -n 's/^default via \\([^ ]*\\).*/\\1/p') 9; sleep 1; done",
    { network: 'bridge', maxNetwork: 200 },
  ),
  'RESOURCE_LIMIT_EXCEEDED more-than-any-provider': script('a job that wants a GPU where nobody has one', 'true', {
    ...{ gpu: 1, queueTimeout: 2 },
  }),
  'RESOURCE_LIMIT_EXCEEDED too-little-memory': {
    how: 'an engine that wants more memory than what every job must have',
    async bring({ fault, run }) {
      // Docker's own least is that of jobs; its words are those of an engine that is given less.
      fault((engine) => ({
        create: async (spec, options) => await engine.create({ ...spec, memoryBytes: 4 * 2 ** 20 }, options),
      }))
      return await run('true')
    },
  },
  'RESOURCE_LIMIT_EXCEEDED not-as-offered': script('a machine with fewer cores than its agent offers', 'true', {
    cpu: 100_000,
  }),
}

function programs(odd: () => string): Ways {
  return {
    NON_ZERO_EXIT: script('a program that ends with 3', 'exit 3'),
    'NON_ZERO_EXIT bus-error': script('a program that ends with 135', 'exit 135'),
    'NON_ZERO_EXIT command-not-found': command('a program that is not there', odd, ['/nope']),
    'NON_ZERO_EXIT bad-interpreter': command('a script with lines as on Windows', odd, ['/crlf.sh']),
    'NON_ZERO_EXIT not-executable': command('a script that may not be executed', odd, ['/plain.sh']),
    'NON_ZERO_EXIT is-a-folder': command('a folder', odd, ['/folder']),
    'NON_ZERO_EXIT wrong-architecture': command('a binary for another processor', odd, ['/foreign']),
    'NON_ZERO_EXIT no-command': command('an image without a command', odd, []),
    'NON_ZERO_EXIT no-such-user': script('a user that the image does not have', 'true', { user: 'nobody-here' }),
    'NON_ZERO_EXIT bad-workdir': script('a working folder that is a file', 'true', { workdir: '/etc/passwd' }),
    'NON_ZERO_EXIT invalid-command': {
      how: 'an engine whose words for it nobody knows',
      async bring({ fault, run }) {
        fault(() => ({ start: async () => throwing(invalidCommand('invalid-command', '/x')) }))
        return await run('true')
      },
    },
    DURATION_EXCEEDED: script('a program that goes on beyond its duration', 'sleep 600', { duration: 1 }),
  }
}

function throwing(error: Error): never {
  throw error
}

/** Sellers that take their machine for a larger one. */
export const BOASTERS: SellerInit = {
  inspect: async () => ({ cpuMillis: 512_000, memoryBytes: 2 ** 32, freeStorageBytes: 2 ** 34, gpus: [] }),
  caps: { cpuMillis: 400_000 },
}

/** @param odd image of programs that cannot be executed, once there is one */
export function programWays(odd: () => string): Ways {
  return { ...limits, ...programs(odd) }
}
