/** The part of xml2js that is used here: it comes without types. */
declare module 'xml2js' {
  /** An element: its attributes, its children by name, each a list; one without children is its text. */
  export type XmlNode = string | { [child: string]: XmlNode[] }

  /** Rejects where the text is no XML. */
  export function parseStringPromise(xml: string): Promise<Record<string, XmlNode> | null>
}
