// Time as length. Stretches in which nothing happened are folded to a stripe: a person who thinks for ten minutes
// must not press everything else into a pixel.

const STRIPE = 0.025;

/**
 * Spans are [start, end] in milliseconds. `at(ms)` gives 0…1; `gaps` are the folded stretches, `ticks`
 * round times. `zoom` is how many times wider than the page the whole is drawn.
 */
export function timescale(spans, zoom) {
  const sorted = [...spans].sort((a, b) => a[0] - b[0]);
  const busy = [];
  for (const [start, end] of sorted) {
    const last = busy.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else busy.push([start, end]);
  }
  const active = busy.reduce((sum, [start, end]) => sum + end - start, 0) || 1;
  const fold = Math.max(active * 0.08, 50);
  const pieces = [];
  const gaps = [];
  for (const [start, end] of busy) {
    const last = pieces.at(-1);
    if (last && start - last.end < fold) last.end = end;
    else {
      if (last) gaps.push({ start: last.end, end: start });
      pieces.push({ start, end: Math.max(end, start + 1) });
    }
  }
  const stripe = gaps.length ? Math.min(STRIPE, 0.4 / gaps.length) / zoom : 0;
  const shown = pieces.reduce((sum, piece) => sum + piece.end - piece.start, 0) || 1;
  const scale = (1 - stripe * gaps.length) / shown;
  let from = 0;
  pieces.forEach((piece, n) => {
    piece.from = from;
    from += (piece.end - piece.start) * scale;
    if (gaps[n]) Object.assign(gaps[n], { from, to: from + stripe });
    from += stripe;
  });
  const at = (ms) => {
    let low = 0;
    let high = pieces.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (pieces[middle].start <= ms) low = middle;
      else high = middle - 1;
    }
    const piece = pieces[low];
    if (!piece) return 0;
    return piece.from + Math.min(Math.max(ms - piece.start, 0), piece.end - piece.start) * scale;
  };
  return { at, gaps, ticks: ticksOf(pieces, scale, zoom), first: pieces[0]?.start ?? 0 };
}

function ticksOf(pieces, scale, zoom) {
  const first = pieces[0]?.start ?? 0;
  const step = round(0.1 / scale / zoom);
  const ticks = [];
  for (const piece of pieces) {
    for (let ms = Math.ceil((piece.start - first) / step) * step; first + ms <= piece.end && ticks.length < 400; ms += step) {
      const at = piece.from + (first + ms - piece.start) * scale;
      if (!ticks.length || at - ticks.at(-1).at > 0.17 / zoom) ticks.push({ at, ms });
    }
  }
  return ticks;
}

function round(ms) {
  const power = 10 ** Math.floor(Math.log10(Math.max(ms, 1)));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= ms);
}

/** A round time on the axis, exactly as long as it is: `500 ms`, `2.5 s`, `1 min 30 s`, `2 h`. */
export function tickWords(ms) {
  for (const [unit, name, below, lesser] of [[3_600_000, "h", 60_000, "min"], [60_000, "min", 1000, "s"]]) {
    const rest = ms % unit;
    if (ms >= unit) return `${Math.floor(ms / unit)} ${name}${rest ? ` ${rest / below} ${lesser}` : ""}`;
  }
  return ms >= 1000 ? `${ms / 1000} s` : ms ? `${ms} ms` : "0";
}

/** How many spans run at each moment: [at, count] wherever it changes. */
export function concurrency(spans) {
  const changes = spans.flatMap(([start, end]) => [[start, 1], [Math.max(end, start + 1), -1]]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let count = 0;
  return changes.map(([ms, change]) => [ms, (count += change)]);
}
