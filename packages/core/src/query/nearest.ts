/** The name that takes the fewest edits to reach from `word`, if they are few enough to be a slip of the keyboard. */
export function nearestName(word: string, names: readonly string[]): string | undefined {
  // Longer input is not a slip, and the distance costs length times length.
  if (word.length > 64) return undefined;
  const folded = word.toLowerCase();
  let best: { name: string; edits: number } | undefined;
  for (const name of names) {
    const edits = distance(folded, name.toLowerCase());
    if (edits <= Math.max(1, Math.floor(name.length / 3)) && edits < (best?.edits ?? Infinity))
      best = { name, edits };
  }
  return best?.name;
}

/** Edits between two words: insert, delete, replace, or swap two neighbours (optimal string alignment). */
function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(row[j - 1]! + 1, last[j]! + 1, replace);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, beforeLast[j - 2]! + 1);
      row.push(least);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
