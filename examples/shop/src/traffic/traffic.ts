import { setTimeout as sleep } from 'node:timers/promises';
import { attack } from './attack.ts';
import { everydayVisit } from './everyday.ts';
import { Random } from './random.ts';
import type { Scene } from './scene.ts';
import { Visitor } from './visitor.ts';

export interface TrafficOptions {
  /** Where the shop listens; it must trust this machine as a proxy. */
  readonly shopUrl: string;
  /** Rounds of some visits each; the first of every ten has an attack in it. Default: until time or signal end it. */
  readonly rounds?: number;
  readonly durationMs?: number;
  /** Ends the traffic; it then resolves as usual. */
  readonly signal?: AbortSignal;
  /** Told what happens, in a few words each time, and whether it is part of an attack. */
  readonly onStep?: (step: string, kind: 'visit' | 'attack') => void;
  /** Same seed, same traffic. Default 1. */
  readonly seed?: number;
  /** Between steps. Default: none when the rounds are counted, otherwise 250 ms, so that people can follow. */
  readonly pauseMs?: number;
}

const visitsBeforeAttack = 4;
const visitsAfterAttack = 2;
const roundsBetweenAttacks = 10;

/** Drives real HTTP requests through the shop: several people on their errands, and an attack. */
export async function driveTraffic(options: TrafficOptions): Promise<void> {
  const { shopUrl, rounds = Number.POSITIVE_INFINITY, onStep } = options;
  const pauseMs = options.pauseMs ?? (options.rounds === undefined ? 250 : 0);
  const ends = [
    options.signal,
    options.durationMs === undefined ? undefined : AbortSignal.timeout(options.durationMs),
  ];
  const signal = AbortSignal.any(ends.filter((end) => end !== undefined));
  const scene: Scene = {
    random: new Random(options.seed ?? 1),
    visitor: (who) => new Visitor(shopUrl, who, signal),
    say: (step) => onStep?.(step, 'visit'),
    pause: async () => {
      if (pauseMs > 0) await sleep(pauseMs, undefined, { signal });
    },
  };
  try {
    for (let round = 0; round < rounds && !signal.aborted; round++)
      await playRound(scene, { ...scene, say: (step) => onStep?.(step, 'attack') }, round);
  } catch (error) {
    // Requests and pauses end with an error when the traffic is told to end; that is no failure.
    if (!signal.aborted) throw error;
  }
}

async function playRound(scene: Scene, attackScene: Scene, round: number): Promise<void> {
  await visits(scene, visitsBeforeAttack);
  if (round % roundsBetweenAttacks === 0) {
    await attack(attackScene, round / roundsBetweenAttacks + 1);
    await scene.pause();
  }
  await visits(scene, visitsAfterAttack);
}

async function visits(scene: Scene, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await everydayVisit(scene);
    await scene.pause();
  }
}
