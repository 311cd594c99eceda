// The chart of a semaphore: uPlot, loaded when the first one is looked at. It draws on a canvas, so it has to be told of
// the theme and of the width.

import { count, timeOfDay } from "../text/format.js";

const HEIGHT = 200;

let loading = null;
let UPlot = null;
// The plot and what it was made for.
let current = null;

/**
 * Shows `data` (times in seconds, held, waiting) in `container`; `onReady` is called when it can be done. `held` is the word
 * for the first line; without a `max` there is no line for it.
 */
export function draw(container, data, { held, max }, theme, onReady) {
  if (UPlot === null) {
    loading ??= import("../vendor/uplot/uPlot.esm.js").then((module) => {
      UPlot = module.default;
      onReady();
    });
    return;
  }
  const width = Math.floor(container.clientWidth);
  const drawn = max === null ? data : [...data, data[0].map(() => max)];
  const kind = `${theme} ${held} ${max === null}`;
  if (current === null || current.container !== container || current.kind !== kind) {
    current?.plot.destroy();
    const plot = new UPlot(options(container, width, held, max !== null), drawn, container);
    current = { container, kind, plot, width };
    present(plot);
    return;
  }
  if (current.width !== width) {
    current.plot.setSize({ width, height: HEIGHT });
    current.width = width;
  }
  current.plot.setData(drawn);
  present(current.plot);
}

/** Without a pointer over it, the legend tells of the present. It is emptied with each drawing, which comes first. */
function present(plot) {
  queueMicrotask(() => {
    if (plot.cursor.left === undefined || plot.cursor.left < 0) plot.setLegend({ idx: plot.data[0].length - 1 });
  });
}

/** Nobody looks at a chart any more. */
export function forget() {
  current?.plot.destroy();
  current = null;
}

function options(container, width, held, limited) {
  const style = getComputedStyle(container);
  const colour = (name) => resolved(container, style.getPropertyValue(name));
  const accent = colour("--accent");
  const [ink, soft, line, fill] = ["--ink", "--soft", "--line", "--accent-wash"].map(colour);
  const font = `12px ${style.fontFamily}`;
  const stepped = UPlot.paths.stepped({ align: 1 });
  const axis = { stroke: soft, font, grid: { stroke: line, width: 1 }, ticks: { show: false } };
  const value = (_, number) => (number === null || number === undefined ? "–" : count(number));
  return {
    width,
    height: HEIGHT,
    padding: [8, 8, 0, 0],
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    scales: { y: { range: (_, least, most) => [0, Math.max(1, most * 1.08)] } },
    axes: [
      { ...axis, values: (_, seconds) => seconds.map((it) => timeOfDay(it * 1000).slice(0, 5)), space: 64, size: 28, incrs: [60, 120, 180, 300, 600] },
      { ...axis, values: (_, numbers) => numbers.map((it) => (Number.isInteger(it) ? count(it) : "")), size: 56 },
    ],
    series: [
      { label: "Time", value: (_, seconds) => (seconds === null || seconds === undefined ? "–" : timeOfDay(seconds * 1000)) },
      { label: held, stroke: accent, fill, width: 1.5, paths: stepped, points: { show: false }, value },
      { label: "Waiting", stroke: ink, width: 1, dash: [2, 2], paths: stepped, points: { show: false }, value },
      ...(limited ? [{ label: "Max", stroke: soft, width: 1, dash: [8, 4], points: { show: false }, value }] : []),
    ],
  };
}

/** A canvas knows neither variables nor `light-dark()`: the colour as the browser computes it. */
function resolved(container, text) {
  const probe = document.createElement("i");
  container.append(probe);
  probe.style.color = text;
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
