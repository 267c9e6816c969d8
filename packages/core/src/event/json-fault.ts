/** White space, then one token: a string, a number, a literal or a punctuator (RFC 8259 sections 2 to 7). */
const token =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON strings must not hold them unescaped
  /[ \t\n\r]*(?:("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)|([{}[\],:]))/y;

type Expected = 'a value' | 'a key' | 'a colon' | 'a comma or the end' | 'nothing more';

/**
 * Where a text stops being JSON, and what was expected there. The slow path behind `JSON.parse`, whose own messages
 * quote the text and name no place for most faults. `text` has been bounded in bytes and depth.
 */
export function findJsonFault(text: string): { readonly offset: number; readonly expected: string } {
  const open: string[] = [];
  let expected: Expected = 'a value';
  let mayClose = false;
  token.lastIndex = 0;
  for (;;) {
    const start = token.lastIndex;
    const match = token.exec(text);
    const fault = (): { offset: number; expected: string } => ({
      offset: start + text.slice(start).search(/[^ \t\n\r]|$/),
      expected,
    });
    if (!match) return fault();
    const [, string, scalar, mark] = match;
    if (mark === '}' || mark === ']') {
      const isClosing = expected === 'a comma or the end' || mayClose;
      if (!isClosing || open.pop() !== (mark === '}' ? '{' : '[')) return fault();
      expected = open.length === 0 ? 'nothing more' : 'a comma or the end';
      mayClose = false;
      continue;
    }
    mayClose = false;
    switch (expected) {
      case 'a value':
        if (mark === '{' || mark === '[') {
          open.push(mark);
          expected = mark === '{' ? 'a key' : 'a value';
          mayClose = true;
        } else if (string !== undefined || scalar !== undefined) {
          expected = open.length === 0 ? 'nothing more' : 'a comma or the end';
        } else return fault();
        break;
      case 'a key':
        if (string === undefined) return fault();
        expected = 'a colon';
        break;
      case 'a colon':
        if (mark !== ':') return fault();
        expected = 'a value';
        break;
      case 'a comma or the end':
        if (mark !== ',') return fault();
        expected = open.at(-1) === '{' ? 'a key' : 'a value';
        break;
      case 'nothing more':
        return fault();
    }
  }
}
