// The truth table: columns in script files, one to a cell of the sky, loaded when they are needed.
// Scripts, since a page that was opened from a folder may not fetch.
const Truth = (() => {
  "use strict";
  const REACH = 3; // an object's ellipse, in semi-axes
  let plan, listener;
  const cells = new Map(), waiting = new Map();

  function start(given, changed) {
    plan = given;
    listener = changed;
  }

  /** Load a script once; it calls `parhelion(name, content)`. */
  function load(name) {
    if (!waiting.has(name)) {
      waiting.set(name, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = `${plan.folder}/${name}.js`;
        script.onload = () => resolve(cells.get(name));
        script.onerror = () => reject(new Error(`${script.src} cannot be read`));
        document.head.append(script);
      }).then((content) => { listener(); return content; }));
    }
    return waiting.get(name);
  }

  function receive(name, content) {
    cells.set(name, content);
  }

  /** Names of the cells whose objects may reach into a window of the view. */
  function namesIn(x0, y0, x1, y1, reach = plan.reach) {
    const names = [], side = plan.cell;
    const last = (value, count) => Math.min(count - 1, Math.floor(value / side));
    for (let row = Math.max(0, Math.floor((y0 - reach) / side));
      row <= last(y1 + reach, plan.rows); row++) {
      for (let column = Math.max(0, Math.floor((x0 - reach) / side));
        column <= last(x1 + reach, plan.columns); column++) {
        const name = `truth-${row}-${column}`;
        if (plan.counts[name]) names.push(name);
      }
    }
    return names;
  }

  /** An object as a plain record. */
  function record(cell, index) {
    const item = {};
    for (const [key, column] of Object.entries(cell.columns)) item[key] = column[index];
    return Object.assign(item, item.stamp === undefined ? {} : cell.stamps[item.stamp]);
  }

  /** Squared distance from an object's center in semi-axes; `least` is the shortest, in pixels. */
  function distance(columns, index, x, y, least) {
    const dx = x - columns.x[index], dy = y - columns.y[index];
    const cos = Math.cos(columns.theta[index]), sin = Math.sin(columns.theta[index]);
    const a = Math.max(REACH * columns.a[index], least);
    const b = Math.max(REACH * columns.b[index], least);
    return ((dx * cos + dy * sin) / a) ** 2 + ((dy * cos - dx * sin) / b) ** 2;
  }

  /** The object whose ellipse holds (x, y), or null; the most central of several. */
  async function at(x, y, least) {
    const found = await Promise.all(namesIn(x, y, x, y, plan.reach + least).map(load));
    let best = null, nearest = 1;
    for (const cell of found) {
      for (let i = 0; i < cell.columns.x.length; i++) {
        const how = distance(cell.columns, i, x, y, least);
        if (how < nearest) { nearest = how; best = [cell, i]; }
      }
    }
    return best && record(...best);
  }

  /** The object nearest to (x, y) of those whose centers are in a window, or null. */
  async function nearest(x, y, [x0, y0, x1, y1]) {
    const found = await Promise.all(namesIn(x0, y0, x1, y1, 0).map(load));
    let best = null, least = Infinity;
    for (const cell of found) {
      const { x: xs, y: ys } = cell.columns;
      for (let i = 0; i < xs.length; i++) {
        if (xs[i] < x0 || xs[i] > x1 || ys[i] < y0 || ys[i] > y1) continue;
        const how = Math.hypot(xs[i] - x, ys[i] - y);
        if (how < least) { least = how; best = [cell, i]; }
      }
    }
    return best && record(...best);
  }

  async function byId(id) {
    let names = Object.keys(plan.counts);
    if (plan.index) {
      const index = await load(plan.index);
      const place = index.ids.indexOf(id);
      names = place < 0 ? [] : [index.names[index.cells[place]]];
    }
    for (const name of names) {
      const cell = await load(name), place = cell.columns.id.indexOf(id);
      if (place >= 0) return record(cell, place);
    }
    return null;
  }

  /** Call `draw(columns, i)` for the objects in a window; false if there are more than `most`. */
  function eachIn([x0, y0, x1, y1], most, draw) {
    const names = namesIn(x0, y0, x1, y1);
    // Cells that lie wholly inside count before anything is loaded.
    const inside = namesIn(x0 + plan.cell, y0 + plan.cell, x1 - plan.cell, y1 - plan.cell, 0);
    if (inside.reduce((sum, name) => sum + plan.counts[name], 0) > most) return false;
    const hits = [];
    for (const name of names) {
      const cell = cells.get(name);
      if (!cell) { load(name).catch(console.error); continue; }
      const { x, y, a } = cell.columns;
      for (let i = 0; i < x.length; i++) {
        const r = REACH * a[i];
        if (x[i] + r < x0 || x[i] - r > x1 || y[i] + r < y0 || y[i] - r > y1) continue;
        if (hits.push([cell.columns, i]) > most) return false;
      }
    }
    for (const [columns, i] of hits) draw(columns, i);
    return true;
  }

  return { REACH, start, receive, at, nearest, byId, eachIn };
})();

function parhelion(name, content) {
  "use strict";
  Truth.receive(name, content);
}
