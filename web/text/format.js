// Numbers and times as people read them. Pure; durations are in milliseconds. No decimals that change faster than one
// can read.

const COUNT = new Intl.NumberFormat("en", { useGrouping: "always" });
const NARROW = "\u202f";

/** 12345 → "12 345", with a narrow space that does not break. */
export function count(number) {
  return COUNT.format(number).replaceAll(",", NARROW);
}

const PREFIXES = [[1e9, "G"], [1e6, "M"]];

/** As `count` up to 99 999, then in few digits: "2.1 G". */
export function compact(number) {
  if (number < 100_000) return count(number);
  const [size, prefix] = PREFIXES.find(([size]) => number >= size) ?? [1e3, "k"];
  const digits = number / size < 10 ? 1 : 0;
  return `${(Math.floor((number / size) * 10 ** digits) / 10 ** digits).toFixed(digits)}${NARROW}${prefix}`;
}

/** Per second: "0", "0.4", "37", "1 250". */
export function rate(perSecond) {
  if (perSecond === null) return "–";
  if (perSecond > 0 && perSecond < 9.95) {
    return perSecond < 0.05 ? "< 0.1" : perSecond.toFixed(1);
  }
  return count(Math.round(perSecond));
}

const UNITS = [
  ["d", 86_400, "h", 3_600],
  ["h", 3_600, "min", 60],
  ["min", 60, "s", 1],
];

/** The two largest units: "0 s", "59 s", "3 min 05 s", "2 h 04 min", "12 d 03 h". Negative is none. */
export function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  for (const [large, size, small, part] of UNITS) {
    if (seconds >= size) {
      const rest = Math.floor((seconds % size) / part);
      return `${Math.floor(seconds / size)} ${large} ${String(rest).padStart(2, "0")} ${small}`;
    }
  }
  return `${seconds} s`;
}

/** A length that somebody has chosen, in as few words as say it: "250 ms", "1.5 s", "1 min", "1 h 30 min". */
export function span(ms) {
  const short = (number) => String(Number(number.toPrecision(3)));
  if (ms < 1000) return `${short(ms)} ms`;
  if (ms < 60_000) return `${short(ms / 1000)} s`;
  return duration(ms).replace(/ 00 \w+$/, "").replace(/ 0(\d)/, " $1");
}

/** What comes back, and in which time: "10 in 1 min". `written` is how the number is. */
export function refillRate({ refill, every_ms: every }, written = count) {
  return `${written(refill)} in ${span(every)}`;
}

/** As `duration`, with milliseconds below a second and tenths below ten: for what is over and does not tick. */
export function elapsed(ms) {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  return ms < 10_000 ? `${(Math.floor(ms / 100) / 10).toFixed(1)} s` : duration(ms);
}

/** What is left until something, in seconds that have begun: never none before it is over. */
export function left(ms) {
  return duration(Math.ceil(ms / 1000) * 1000);
}

/** "14:03:59" in the browser's time zone. */
export function timeOfDay(ms) {
  const at = new Date(ms);
  return [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
}

/** Numbers of a lock, each run of them as its ends: "0–3, 7". */
export function slots(numbers) {
  const runs = [];
  for (const number of numbers) {
    const run = runs.at(-1);
    if (run !== undefined && run.last + 1 === number) run.last = number;
    else runs.push({ first: number, last: number });
  }
  return runs.map(({ first, last }) => (first === last ? `${first}` : `${first}–${last}`)).join(", ");
}

/** "1 peer", "2 peers". */
export function many(number, one, more = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : more}`;
}
