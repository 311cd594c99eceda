// The outlines of sparklines, as SVG paths: a unit per point, the present on the right. Pure.

import { POINTS } from "../model/history.js";

/** The area's height; below it is room for the strip. */
const HEIGHT = 16;

/** A stepped area from the bottom, as an SVG path. */
export function area(points, full) {
  if (points.length === 0) return "";
  const first = POINTS - points.length;
  let path = `M${first} ${HEIGHT}`;
  let last = -1;
  points.forEach((point, index) => {
    const y = rounded(HEIGHT * (1 - point / full));
    if (y !== last) path += `${index > 0 ? `H${first + index}` : ""}V${y}`;
    last = y;
  });
  return `${path}H${POINTS}V${HEIGHT}Z`;
}

/** A bar from each beginning of waiting to its end. */
export function strip(points) {
  const first = POINTS - points.length;
  let path = "";
  let since = -1;
  [...points, 0].forEach((point, index) => {
    if (point > 0 && since < 0) since = index;
    if (point === 0 && since >= 0) {
      path += `M${first + since} 18H${first + index}`;
      since = -1;
    }
  });
  return path;
}

function rounded(number) {
  return Math.round(number * 10) / 10;
}
