/** The part of xml2js that is used here: it comes without types. */
declare module 'xml2js' {
  /** An element: its attributes, its children by name, each a list; one without children is its text. */
  export type XmlNode = string | { [child: string]: XmlNode[] }

  /** Rejects where the text is no XML. @param how `async` lets others have their turn between chunks of so many letters */
  export function parseStringPromise(
    xml: string,
    how?: { async: true; chunkSize: number },
  ): Promise<Record<string, XmlNode> | null>
}
