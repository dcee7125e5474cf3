/** A data folder that cannot be opened; the message says what to do. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError'
  readonly code: 'DATA_FOLDER_IN_USE' | 'DATA_FOLDER_CORRUPT' | 'DATA_FOLDER_NEWER' | 'DATA_FOLDER_UNUSABLE'

  constructor(code: DataFolderError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Nothing can be stored at the moment, mostly because the disk is full. Nothing that was stored before is lost. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError'
  readonly code = 'STORE_UNAVAILABLE'
}
