/** The media type of a content-type header, without parameters such as charset; undefined when there is none. */
export function mediaTypeOf(header: string | undefined): string | undefined {
  return header?.replace(/;.*$/s, '').trim().toLowerCase();
}
