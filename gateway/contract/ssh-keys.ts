import { z } from 'zod'
import { lineField } from '../../protocol/job-fields.ts'

/** The longest line of a public key, in characters. */
const MAX_LINE = 1024

/** An SSH key that opens the jobs which the API key sees that added it. */
export const sshKeySchema = z
  .strictObject({
    id: z.string().describe('Of the SSH key, by which it is removed.'),
    name: z.string().describe('What people call it: what its line says behind the key, unless it was given.'),
    owner: z.string().describe('Whose jobs it opens.'),
    type: z.string().describe('Its kind, e.g. `ssh-ed25519`.'),
    fingerprint: z.string().describe('As `ssh-keygen -l` shows it: `SHA256:` and the hash.'),
    keyId: z.string().describe('The API key that added it: it may do no more, and is over with it.'),
    active: z
      .boolean()
      .describe('Whether it opens anything: false once that key was revoked, has expired or may not change jobs.'),
    createdAt: z.iso.datetime().describe('When it was added.'),
  })
  .meta({ id: 'SshKey', description: 'A public key for SSH.' })

/** Body of `POST /auth/ssh-keys`. */
export const newSshKeySchema = z
  .strictObject({
    publicKey: z
      .string()
      .min(1)
      .max(MAX_LINE)
      .describe('The line of a file such as `~/.ssh/id_ed25519.pub`; Ed25519 or ECDSA.'),
    name: lineField(128).optional().describe('What people call it; default what the line says behind the key.'),
  })
  .meta({ id: 'NewSshKey', description: 'A public key that is to open jobs by SSH.' })
