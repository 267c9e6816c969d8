import { SealtrailError } from '@sealtrail/core';

/**
 * The media type of a content-type header, undefined when there is none. Bodies are UTF-8 (RFC 8259 section 8.1), so that
 * a header which names another charset is not believed, nor is the body read against it.
 *
 * @throws SealtrailError unsupported_media_type
 */
export function mediaTypeOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const [type = '', ...parameters] = header.split(';');
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=');
    if (name.trim().toLowerCase() === 'charset' && !/^(?:utf-?8|"utf-?8")$/i.test(value.trim()))
      throw new SealtrailError('unsupported_media_type', 'expected the charset utf-8, or none');
  }
  return type.trim().toLowerCase();
}
