/** The subsystem `sftp` of the server; see `sftp/index.ts`. */

export { createJobSftp, type JobSftp } from './sftp/job-sftp.ts'
