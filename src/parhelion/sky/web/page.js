// The page: buttons, keys, search, address, scale bar and marks around the sky.
const Page = (() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const TOUCH = 18, POINT = 7; // how near a click must be, in screen pixels
  let plan, view, chosen = null, ellipses = false, pointer = null, frame = 0, ready = false;
  let gain = 1;

  function start(given) {
    plan = given;
    Truth.start(plan.truth, redraw);
    const zooms = plan.tiles && window.OpenSeadragon;
    const on = { moved: redraw, rested: remember, clicked, failed };
    view = (zooms ? View.tiled : View.plain)($("sky"), plan, on);
    for (const id of ["zoom-in", "zoom-out", "whole", "exact"]) $(id).disabled = !view.zooms;
    controls();
    view.ready(() => { ready = true; followAddress(true); redraw(); });
  }

  function failed(url) {
    say(`${url} cannot be read: is the page's folder complete?`);
  }

  function say(text) {
    $("answer").textContent = text;
  }

  // What the mouse, the keys and the form do.
  function controls() {
    const act = {
      "zoom-in": () => view.zoomBy(1.6), "zoom-out": () => view.zoomBy(1 / 1.6),
      whole: () => view.whole(), exact: () => view.go(...middle(), 1),
      ellipses: toggleEllipses, brighter, full: fullScreen, "help-button": () => $("help").showModal(),
    };
    for (const [id, what] of Object.entries(act)) $(id).addEventListener("click", what);
    $("search").addEventListener("submit", (event) => { event.preventDefault(); search(); });
    $("sky").addEventListener("pointermove", (event) => {
      pointer = event.pointerType === "mouse" ? [event.clientX, event.clientY] : null;
      redraw();
    });
    $("sky").addEventListener("pointerleave", () => { pointer = null; redraw(); });
    document.addEventListener("keydown", key);
    window.addEventListener("hashchange", () => followAddress(false));
    window.addEventListener("resize", redraw);
  }

  function key(event) {
    const target = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
    if (event.key === "Escape") {
      if (target === $("query")) $("sky").focus(); else close();
      return;
    }
    if (target.matches("input")) return;
    if (event.key === "Enter" && target !== $("sky") && target !== document.body) return;
    const step = 90;
    const act = {
      ArrowLeft: () => view.panBy(-step, 0), ArrowRight: () => view.panBy(step, 0),
      ArrowUp: () => view.panBy(0, -step), ArrowDown: () => view.panBy(0, step),
      "+": () => view.zoomBy(1.6), "=": () => view.zoomBy(1.6),
      "-": () => view.zoomBy(1 / 1.6), "−": () => view.zoomBy(1 / 1.6),
      0: () => view.whole(), 1: () => view.go(...middle(), 1),
      e: toggleEllipses, b: brighter, f: fullScreen, "?": () => $("help").showModal(),
      "/": () => { $("query").focus(); $("query").select(); },
      Enter: readMiddle,
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  function toggleEllipses() {
    ellipses = !ellipses;
    $("ellipses").setAttribute("aria-pressed", String(ellipses));
    if (!ellipses) say("");
    redraw();
  }

  /** Show the sky 2 and 4 times as bright, and as it is again. */
  function brighter() {
    gain = gain === 4 ? 1 : 2 * gain;
    $("sky").style.filter = gain === 1 ? "" : `brightness(${gain})`;
    $("brighter").setAttribute("aria-pressed", String(gain > 1));
    say(gain === 1 ? "" : `Shown ${gain} × as bright`);
  }

  function fullScreen() {
    const done = document.fullscreenElement
      ? document.exitFullscreen() : document.documentElement.requestFullscreen?.();
    done?.catch(() => say("The browser does not allow full screen here."));
  }

  // Objects.
  async function clicked(x, y, touch) {
    try {
      select(await Truth.at(x, y, (touch ? TOUCH : POINT) / view.zoom()));
    } catch (error) { say(error.message); }
  }

  async function readMiddle() {
    try {
      const item = await Truth.nearest(...middle(), inSight());
      if (item) select(item); else say("There is no object in sight.");
    } catch (error) { say(error.message); }
  }

  function select(item) {
    say("");
    if (!item) { close(); return; }
    chosen = item;
    remember();
    Card.show($("card"), item, plan, close);
    uncover(item);
    redraw();
  }

  /** Move what the card would hide into the middle of the sky that is left beside or above it. */
  function uncover(item) {
    const box = $("card").getBoundingClientRect(), [x, y] = view.toScreen(item.x, item.y);
    if (x < box.left || x > box.right || y < box.top || y > box.bottom) return;
    const above = $("search").getBoundingClientRect().bottom;
    if (box.width > innerWidth / 2) view.panBy(0, y - (above + box.top) / 2);
    else view.panBy(x - (box.right + innerWidth) / 2, 0);
  }

  function close() {
    chosen = null;
    if ($("card").contains(document.activeElement)) $("sky").focus();
    $("card").hidden = true;
    remember();
    redraw();
  }

  async function search() {
    const text = $("query").value.trim();
    say("");
    if (matchMedia("(pointer: coarse)").matches) $("query").blur(); // its keyboard hides the sky
    if (/^#?\d+$/.test(text)) {
      const id = Number(text.replace("#", ""));
      try {
        const item = await Truth.byId(id);
        if (!item) { say(`No object ${id} of ${plan.truth.total.toLocaleString("en")}.`); return; }
        visit(item);
      } catch (error) { say(error.message); }
      return;
    }
    const pixels = text.match(/^(-?[\d.]+)[\s,;]+(-?[\d.]+)$/);
    const sky = plan.wcs && Coordinates.parseSky(text);
    const place = pixels ? pixels.slice(1).map(Number)
      : sky && Coordinates.toPixel(plan.wcs, ...sky);
    if (!place || place.some(Number.isNaN)) {
      if (text) say(`Not found: ${plan.searchHelp}.`);
    } else if (Math.min(...place) < -0.5 || place[0] > plan.width || place[1] > plan.height) {
      say("That position is outside this view.");
    } else {
      view.go(...place, Math.max(view.zoom(), 1));
    }
  }

  /** Go to an object, large enough to be seen. */
  function visit(item) {
    const wanted = Math.min(3, Math.max(1, 40 / Math.max(item.a, 1)));
    view.go(item.x, item.y, Math.max(wanted, Math.min(view.zoom(), View.MOST_ZOOM)), true);
    select(item);
  }

  // The address: #x,y,zoom and the number of the object that is open.
  function remember() {
    if (!ready) return;
    const [x, y] = middle(), zoom = view.zoom();
    const parts = [x.toFixed(1), y.toFixed(1), zoom.toPrecision(4)];
    if (chosen) parts.push(chosen.id);
    history.replaceState(null, "", `#${parts.join(",")}`);
  }

  async function followAddress(now) {
    const parts = location.hash.slice(1).split(",").map(Number);
    if (parts.length < 3 || parts.some((part) => !Number.isFinite(part)) || parts[2] <= 0) return;
    view.go(parts[0], parts[1], parts[2], now);
    if (parts.length < 4) return;
    try {
      const item = await Truth.byId(parts[3]);
      if (item) select(item);
    } catch (error) { say(error.message); }
  }

  // Drawing.
  const middle = () => view.toView(innerWidth / 2, innerHeight / 2);
  const inSight = () => [...view.toView(0, 0), ...view.toView(innerWidth, innerHeight)];

  function redraw() {
    if (!frame) frame = requestAnimationFrame(() => { frame = 0; if (ready) draw(); });
  }

  function draw() {
    drawScale();
    drawPosition();
    const canvas = $("marks"), density = devicePixelRatio;
    const width = Math.round(innerWidth * density), height = Math.round(innerHeight * density);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, innerWidth, innerHeight);
    if (ellipses) drawEllipses(context);
    if (!chosen) return;
    const columns = Object.fromEntries(["x", "y", "a", "b", "theta"].map((k) => [k, [chosen[k]]]));
    ellipse(context, columns, 0, "#05070b", 5, 8);
    ellipse(context, columns, 0, "#7cc0ff", 2.2, 8);
  }

  function drawEllipses(context) {
    const fits = Truth.eachIn(inSight(), plan.mostEllipses, (columns, i) => {
      ellipse(context, columns, i, "#f2b661", 1.2, 2);
    });
    const many = `Zoom in to see ellipses: more than ${plan.mostEllipses.toLocaleString("en")} are in sight.`;
    if (!fits) say(many);
    else if ($("answer").textContent.startsWith("Zoom in to see")) say("");
  }

  function ellipse(context, { x, y, a, b, theta }, i, color, width, least) {
    const zoom = view.zoom();
    context.beginPath();
    context.ellipse(...view.toScreen(x[i], y[i]), Math.max(least, Truth.REACH * a[i] * zoom),
      Math.max(least, Truth.REACH * b[i] * zoom), theta[i], 0, 2 * Math.PI);
    context.lineWidth = width;
    context.strokeStyle = color;
    context.stroke();
  }

  function drawScale() {
    const zoom = view.zoom();
    const { pixels, text } = Coordinates.scaleBar(Math.min(170, innerWidth * 0.3) / zoom, plan.step);
    $("bar").style.width = `${pixels * zoom}px`;
    $("scale-text").textContent = text;
    $("scale").setAttribute("aria-label", `Scale bar: ${text}`);
  }

  function drawPosition() {
    const [x, y] = pointer ? view.toView(...pointer) : middle();
    const outside = x < -0.5 || y < -0.5 || x >= plan.width - 0.5 || y >= plan.height - 0.5;
    const zoom = view.zoom() >= 1 ? `${view.zoom().toPrecision(2)} ×` : `1 : ${(1 / view.zoom()).toPrecision(2)}`;
    const parts = outside ? ["outside the view"] : [`${x.toFixed(1)}, ${y.toFixed(1)} px`];
    if (plan.wcs && !outside) {
      parts.push(Coordinates.skyText(Coordinates.toSky(plan.wcs, x, y), plan.step).join("  "));
    }
    const where = document.createElement("span");
    where.textContent = pointer ? "pointer" : "middle";
    $("position").replaceChildren(where, ...[...parts, zoom].map((part) => {
      const shown = document.createElement("b");
      shown.textContent = part;
      return shown;
    }));
  }

  return { start, get view() { return view; }, get chosen() { return chosen; } };
})();
