export {
  BYTES,
  createFileTransfer,
  FILE_BODY,
  type FileTransferComponents,
  FOLDER_EXAMPLE,
  TAR,
  viewOf,
  wantsTar,
} from './file-transfer.ts'
