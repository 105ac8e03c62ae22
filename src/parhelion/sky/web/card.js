// The card of one object: what it is, where it is, and where it comes from.
const Card = (() => {
  "use strict";
  const number = (value, digits) => value.toLocaleString("en", {
    minimumFractionDigits: digits, maximumFractionDigits: digits,
  });

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  /** Where an object comes from, in a sentence, and whether a model made it. */
  function origin(item) {
    if (item.kind === "star") return ["Drawn by formula: a star", "made"];
    if (item.origin === undefined || item.origin === null) return ["Origin not recorded", ""];
    if (item.origin === "observed") {
      return [`Observed: ${item.source ?? "source not recorded"}`, "observed"];
    }
    const seed = item.seed === undefined || item.seed === null ? "" : `, seed ${item.seed}`;
    const how = item.origin === "gan" ? "GAN" : item.origin.replaceAll("_", " ");
    if (item.model) return [`Drawn by model ${item.model}${seed} (${how})`, "made"];
    return [`Derived image (${how})${seed}`, "made"];
  }

  function size(item, step) {
    const pixels = `${number(item.a, 1)} × ${number(item.b, 1)} px`;
    if (step === null) return pixels;
    const digits = Math.max(0, Math.ceil(1 - Math.log10(step) - 1e-6));
    return `${number(item.a * step, digits)} × ${number(item.b * step, digits)}″ (${pixels})`;
  }

  /** Names and values to list; nothing is shown that the table does not hold. */
  function rows(item, plan) {
    const list = [["x, y", `${number(item.x, 1)}, ${number(item.y, 1)}`]];
    if (plan.wcs) {
      const place = Coordinates.toSky(plan.wcs, item.x, item.y);
      const [ra, dec] = Coordinates.skyText(place, plan.step);
      list.push(["RA, Dec", `${ra}  ${dec}`]);
      list.push(["", `${place[0].toFixed(6)}°, ${place[1].toFixed(6)}°`]);
    }
    if (item.kind !== "star") list.push(["Semi-axes", size(item, plan.step)]);
    if (item.flux !== undefined) list.push(["Flux", number(item.flux, 0)]);
    if (item.peak !== undefined) list.push(["Peak", number(item.peak, 1)]);
    if (item.label) list.push(["Class", item.label]);
    if (item.image) list.push(["Image", item.image]);
    if (item.path) list.push(["File", item.path]);
    if (item.parent) list.push(["Derived from", item.parent]);
    if (item.source && item.origin !== "observed") list.push(["Source", item.source]);
    if (item.turn !== undefined && item.kind !== "star") {
      const mirrored = item.flipped ? "mirrored, " : "";
      const scaled = item.zoom === undefined ? "" : `, × ${number(item.zoom, 2)}`;
      list.push(["Placed", `${mirrored}turned ${number(item.turn, 1)}°${scaled}`]);
    }
    return list;
  }

  async function copy(text, button) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // A folder opened in some browsers has no clipboard of its own.
      const area = element("textarea");
      area.value = text;
      button.after(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    const before = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = before; }, 1200);
  }

  function copyable(title, text, shown = true) {
    const button = element("button", { type: "button" }, "Copy");
    button.addEventListener("click", () => copy(text, button));
    const block = element("div", { class: "copy" }, element("p", {}, title, button));
    if (shown) block.append(element("code", {}, text));
    return block;
  }

  /** The command that cuts this object's surroundings out as FITS. */
  function command(item, plan) {
    const half = Math.max(16, Math.ceil(8 * item.a));
    const cut = (center, most) => Math.max(0, Math.min(Math.round(center) - half, most - 2 * half));
    const values = {
      x: cut(item.x, plan.width), y: cut(item.y, plan.height),
      width: Math.min(2 * half, plan.width), height: Math.min(2 * half, plan.height),
      id: item.id,
    };
    return plan.command.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  /** Fill the card. */
  function show(card, item, plan, close) {
    const [said, kind] = origin(item);
    const name = { star: "Star", tile: "Tile" }[item.kind] ?? "Galaxy";
    const button = element("button", { type: "button", class: "close", "aria-label": "Close" }, "✕");
    button.addEventListener("click", close);
    const top = element("div", { class: "top" });
    if (item.sprite !== undefined && plan.sprites) {
      const stamp = element("div", {
        class: "stamp", role: "img", "aria-label": "The galaxy's own image, before it was placed",
      });
      const { side, across, folder } = plan.sprites, each = across * across;
      const place = item.sprite % each, shown = 76 / side;
      stamp.style.backgroundImage = `url("${folder}/stamps-${Math.floor(item.sprite / each)}.jpg")`;
      stamp.style.backgroundSize = `${across * 76}px`;
      stamp.style.backgroundPosition =
        `${-(place % across) * side * shown}px ${-Math.floor(place / across) * side * shown}px`;
      top.append(stamp);
    }
    top.append(element("div", {},
      element("h2", {}, `${name} ${item.id}`), element("p", { class: `origin ${kind}` }, said)));
    top.append(button);
    const list = element("dl");
    for (const [key, value] of rows(item, plan)) {
      const style = /^[0-9a-f]{32}$/.test(value) ? { class: "hash" } : {};
      list.append(element("dt", {}, key), element("dd", style, value));
    }
    card.replaceChildren(top, list);
    if (plan.command) card.append(copyable("This region as FITS", command(item, plan)));
    card.append(copyable("Link to this object", location.href, false));
    card.scrollTop = 0;
    card.hidden = false;
  }

  return { show };
})();
