/** The subsystem `sftp` of the server; see `sftp/index.ts`. */

export { createSftpFiles } from './sftp/container-files.ts'
export { createSftpRoom } from './sftp/room.ts'
export { serveSftp } from './sftp/serve.ts'
