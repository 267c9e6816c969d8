import { readFileSync } from 'node:fs';
import { createContext, SourceTextModule } from 'node:vm';

// Runs the module named on the command line, and all that it imports, in a global scope that has the language and the
// few web APIs below, and nothing of Node. What the module reports goes to standard output.
//
//   node --experimental-vm-modules browser-like.ts <file URL>

const [entry] = process.argv.slice(2);
if (entry === undefined) throw new Error('expected the URL of a module');

const context = createContext(
  { hostReport: (text: string) => process.stdout.write(text) },
  { codeGeneration: { strings: false, wasm: false } },
);

// Made inside, so that what they return is of the scope's own classes, as in a browser.
const webApis = new SourceTextModule(
  `
  const host = import.meta.host;
  globalThis.TextEncoder = class { encode(text) { return new Uint8Array(host.encode(text)); } };
  globalThis.TextDecoder = class {
    #decoder;
    constructor(label, options) { this.#decoder = host.decoder(label, options); }
    decode(bytes) { return this.#decoder(bytes); }
  };
  globalThis.URL = class { constructor(text) { this.href = host.href(text); } };
  globalThis.report = (value) => hostReport(JSON.stringify(value));
  `,
  {
    context,
    initializeImportMeta(meta) {
      const host = {
        encode: (text: string) => new TextEncoder().encode(text),
        decoder: (label?: string, options?: ConstructorParameters<typeof TextDecoder>[1]) => {
          const decoder = new TextDecoder(label, options);
          return (bytes: Uint8Array) => decoder.decode(bytes);
        },
        href: (text: string) => new URL(text).href,
      };
      Object.assign(meta, { host });
    },
  },
);

const modules = new Map<string, SourceTextModule>();

function load(url: string): SourceTextModule {
  const known = modules.get(url);
  if (known) return known;
  if (!url.startsWith('file:')) throw new Error(`${url} is not there in a browser`);
  const module = new SourceTextModule(readFileSync(new URL(url), 'utf8'), { context, identifier: url });
  modules.set(url, module);
  return module;
}

async function run(module: SourceTextModule): Promise<void> {
  await module.link((specifier, importing) =>
    load(
      /^\.{0,2}\//.test(specifier)
        ? new URL(specifier, importing.identifier).href
        : import.meta.resolve(specifier),
    ),
  );
  await module.evaluate();
}

await run(webApis);
await run(load(entry));
