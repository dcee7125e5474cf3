export { BYTES, createFileTransfer, type FileTransferComponents, TAR, viewOf, wantsTar } from './file-transfer.ts'
