// Which rows of a long table are on the screen. The others are two gaps of the right height, so a thousand rows cost
// as much as forty. Pure.

const MARGIN_ROWS = 12;

/** `above` is how much of the table lies above the screen, in pixels; negative when it begins below the top. */
export function visible({ rows, rowHeight, above, height }) {
  const first = Math.floor(above / rowHeight) - MARGIN_ROWS;
  const last = Math.ceil((above + height) / rowHeight) + MARGIN_ROWS;
  const from = Math.max(0, Math.min(first, rows));
  const to = Math.max(from, Math.min(last, rows));
  return { from, to, before: from * rowHeight, after: (rows - to) * rowHeight };
}
