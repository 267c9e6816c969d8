import type { CreatedToken, Token, Trail } from '@sealtrail/core';
import { parseVkey, roles } from '@sealtrail/core';
import { Command, Option } from 'commander';
import { apiOf, type CliContext, print, type ServerCommandOptions, withServer } from './context.ts';
import { printable } from './printable.ts';
import { jsonBody } from './server-api.ts';
import { type Column, table } from './table.ts';

const tokenColumns: readonly Column[] = [
  { heading: 'ID', isWhole: true },
  { heading: 'NAME' },
  { heading: 'ROLE', isWhole: true },
  { heading: 'TRAILS' },
  { heading: 'TENANTS' },
  { heading: 'MADE', isWhole: true },
  { heading: 'STATE', isWhole: true },
];

const trailColumns: readonly Column[] = [
  { heading: 'TRAIL', isWhole: true },
  { heading: 'ENTRIES', isWhole: true },
  { heading: 'VERIFIER KEY', isWhole: true },
];

/** `sealtrail token` */
export function tokenCommand(context: CliContext): Command {
  const { terminal } = context;
  const token = new Command('token').description('make, list and revoke tokens');
  token.addCommand(
    withServer(new Command('create'))
      .description('make a token; its secret is printed this once')
      .argument('<name>', 'what it is for')
      .addOption(new Option('--role <role>', 'what it may do').choices(roles).makeOptionMandatory())
      .option('--trail <trail...>', 'trails it reaches (default: all)')
      .option('--tenant <tenant...>', 'tenants it reaches (default: all)')
      .option('--expires <time>', 'RFC 3339 time at which it ends')
      .action(
        async (
          name: string,
          options: ServerCommandOptions & {
            role: string;
            trail?: string[];
            tenant?: string[];
            expires?: string;
          },
        ) => {
          const created = await apiOf(options, context).json<CreatedToken>(
            'POST',
            'v1/tokens',
            {},
            jsonBody({
              name,
              role: options.role,
              ...(options.trail && { trails: options.trail }),
              ...(options.tenant && { tenants: options.tenant }),
              ...(options.expires && { expiresAt: options.expires }),
            }),
          );
          print(context, options, created, `${printable(created.secret)}\n`);
        },
      ),
  );
  token.addCommand(
    withServer(new Command('list'))
      .description('tokens, without their secrets')
      .action(async (options: ServerCommandOptions) => {
        const { tokens } = await apiOf(options, context).json<{ tokens: Token[] }>('GET', 'v1/tokens');
        const rows = tokens.map(({ id, name, role, trails, tenants, createdAt, expiresAt, revokedAt }) => [
          id,
          name,
          role,
          trails.join(','),
          tenants.join(','),
          createdAt,
          revokedAt ? `revoked ${revokedAt}` : expiresAt ? `until ${expiresAt}` : 'valid',
        ]);
        print(context, options, { tokens }, table(tokenColumns, rows, terminal.columns));
      }),
  );
  token.addCommand(
    withServer(new Command('revoke'))
      .description('end a token at once')
      .argument('<id>', 'its id, tok_...')
      .action(async (id: string, options: ServerCommandOptions) => {
        const revoked = await apiOf(options, context).json<Token>(
          'DELETE',
          `v1/tokens/${encodeURIComponent(id)}`,
        );
        print(context, options, revoked, `${printable(revoked.id)} is revoked\n`);
      }),
  );
  return token;
}

/** `sealtrail trail` */
export function trailCommand(context: CliContext): Command {
  const { terminal } = context;
  const trail = new Command('trail').description('make and list trails');
  trail.addCommand(
    withServer(new Command('create'))
      .description('make a trail; its verifier key is printed')
      .argument('<name>')
      .action(async (name: string, options: ServerCommandOptions) => {
        const created = await apiOf(options, context).json<Trail>(
          'POST',
          'v1/trails',
          {},
          jsonBody({ name }),
        );
        print(context, options, created, `${printable(created.vkey)}\n`);
      }),
  );
  trail.addCommand(
    withServer(new Command('list'))
      .description('trails with their sizes and keys')
      .action(async (options: ServerCommandOptions) => {
        const { trails } = await apiOf(options, context).json<{ trails: Trail[] }>('GET', 'v1/trails');
        print(
          context,
          options,
          { trails },
          table(
            trailColumns,
            trails.map(({ name, size, vkey }) => [name, String(size), vkey]),
            terminal.columns,
          ),
        );
      }),
  );
  trail.addCommand(
    withServer(new Command('policy'))
      .description('print a trust policy with the keys of all trails, to be kept where you verify')
      .action(async (options: ServerCommandOptions) => {
        const { trails } = await apiOf(options, context).json<{ trails: Trail[] }>('GET', 'v1/trails');
        // What is no key could be a line of its own: of other keys, or witnesses.
        for (const { vkey } of trails) parseVkey(vkey);
        const policy = `${trails.map(({ vkey }) => `log ${vkey}\n`).join('')}quorum none\n`;
        print(context, options, { policy }, policy);
      }),
  );
  return trail;
}
