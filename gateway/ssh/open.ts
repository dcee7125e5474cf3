import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { loadHostKey } from '../../node/ssh/host-key.ts'
import { createJobSftp } from '../../node/ssh/sftp.ts'
import type { KeyRing } from '../auth/index.ts'
import type { Feature } from '../http/feature.ts'
import { listenOn } from '../http/listener.ts'
import type { Shares } from '../http/shares.ts'
import { siteOf } from '../http/site.ts'
import type { Database } from '../records/table.ts'
import { createDoor, type DoorComponents } from './door.ts'
import { addSshKeyRoutes } from './routes.ts'
import { addSftpRoute } from './sftp-route.ts'
import { openSshKeys } from './ssh-keys.ts'

/** Where the gateway is reached by SSH. */
export interface SshInit {
  /** Of TCP; 0 is any free one. */
  port: number
  /** @default "127.0.0.1" */
  host?: string
}

/** What is said of a door for SSH that is open. */
export interface SshPlace {
  port: number
  /** Of the host key, as `ssh` shows it. */
  fingerprint: string
  /** As `known_hosts` has it behind the names. */
  hostKey: string
}

/** SSH keys, the port at which they open jobs, and files of jobs by SFTP. */
export interface Ssh extends Feature {
  /** Where it is; null where there is no port. */
  place(): SshPlace | null
}

/** What {@link openSsh} works with. */
interface Components extends Omit<DoorComponents, 'sshKeys'> {
  db: Database
  shares: Shares
  keys: Pick<KeyRing, 'get'>
  clock: Clock
  logger: Logger
}

/** Without `ssh` keys are kept, and no port is open. @param init.folder the gateway's */
export async function openSsh(
  components: Components,
  init: { folder: string; ssh?: SshInit | undefined },
): Promise<Ssh> {
  const { db, keys, clock, node } = components
  const logger = components.logger.child({ part: 'ssh' })
  const sshKeys = await openSshKeys({ db, keys })
  const sftp = createJobSftp({ node, clock }, { folder: join(init.folder, 'sftp') })
  await sftp.start()
  let place: SshPlace | null = null
  let close = async (): Promise<void> => undefined

  return {
    place: () => place,
    routes(api) {
      addSshKeyRoutes(api, { sshKeys, clock })
      addSftpRoute(api, { ...components, sftp, logger })
    },
    async start() {
      if (init.ssh === undefined || place !== null) return
      const { host = '127.0.0.1', port } = init.ssh
      const { createSshServer } = await import('../../node/ssh/serve.ts')
      const hostKey = await loadHostKey(join(init.folder, 'ssh-host.key'))
      const server = createSshServer(
        { logger },
        {
          ...{ hostKey, door: createDoor({ ...components, sshKeys }) },
          async sftp(channel, target, signal) {
            const giveBack = target.place()
            try {
              await sftp.serve(channel, { jobId: await target.jobId(), owner: target.owner }, signal)
            } finally {
              giveBack()
            }
          },
        },
      )
      const listener = createServer({ noDelay: true, keepAlive: true }, (socket) =>
        server.serve(socket, siteOf(socket.remoteAddress)),
      )
      await listenOn(listener, host, port, '--ssh')
      // Of one connection that cannot be accepted the others hear nothing.
      listener.on('error', (error) => logger.warn({ error: error.message }, 'SSH connections are not accepted'))
      close = async () => {
        const closed = once(listener, 'close')
        listener.close()
        server.stop()
        await closed
      }
      const { publicLine, fingerprint } = hostKey
      place = { port: (listener.address() as AddressInfo).port, fingerprint, hostKey: publicLine }
      logger.info({ port: place.port, fingerprint }, 'listens for SSH')
    },
    async stop() {
      place = null
      await close()
    },
  }
}
