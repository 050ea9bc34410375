"use strict";
// The interactive map. Every text reaches the page as text (textContent), never as markup.
(() => {
  const data = JSON.parse(document.getElementById("gegevens").textContent);
  const { raster, teksten: t } = data;
  const OUTSIDE = 255, UNKNOWN = 254, SHOWN = ["klasse", "geschiktheid", "risico", "bepalend", "oorzaak", "dekking"];
  const SHARES = ["geschiktheid", "dekking"];
  const byId = (id) => document.getElementById(id);
  const canvas = byId("kaart"), pen = canvas.getContext("2d"), tip = byId("cel");
  const sheet = document.createElement("canvas");
  const state = { functie: 0, layer: "klasse", opacity: 0.9, palette: data.kleuren, chosen: 0, cross: null, told: null, asked: 0 };
  const view = { x: 0, y: 0, scale: 1 }; // metres at the middle of the screen, pixels per metre
  const unpacked = new Map();
  let cells = {}, waiting = false, placed = false, steered = false; // steered: the view is one that the reader chose

  // --- cells --------------------------------------------------------------------------------------------------------

  async function unpack(text) {
    const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  async function load(index) {
    if (!unpacked.has(index)) {
      const layers = Object.entries(data.functies[index].lagen);
      unpacked.set(index, Object.fromEntries(await Promise.all(layers.map(async ([id, l]) => [id, await unpack(l.cellen)]))));
    }
    return unpacked.get(index);
  }

  const functie = () => data.functies[state.functie];
  const layer = (id) => functie().lagen[id];
  const colours = (id) => layer(id).kleuren[state.palette];

  function paint() {
    const { rijen: rows, kolommen: cols } = functie(), codes = cells[state.layer], table = new Uint32Array(256);
    for (const [code, [r, g, b]] of Object.entries(colours(state.layer))) table[code] = (255 << 24 | b << 16 | g << 8 | r) >>> 0;
    const image = new ImageData(cols, rows), out = new Uint32Array(image.data.buffer), stripe = 0xff787878;
    for (let i = 0, row = 0; row < rows; row++)
      for (let col = 0; col < cols; col++, i++)
        out[i] = codes[i] === UNKNOWN && (row + col) % 6 === 0 ? stripe : table[codes[i]];
    sheet.width = cols;
    sheet.height = rows;
    sheet.getContext("2d").putImageData(image, 0, 0);
  }

  // --- polygons -----------------------------------------------------------------------------------------------------

  const areas = data.gebieden.map((a) => {
    const path = new Path2D(), box = [Infinity, Infinity, -Infinity, -Infinity];
    for (const ring of a.ringen) {
      for (let i = 0; i < ring.length; i += 2) {
        path[i ? "lineTo" : "moveTo"](ring[i], ring[i + 1]);
        box[0] = Math.min(box[0], ring[i]); box[1] = Math.min(box[1], ring[i + 1]);
        box[2] = Math.max(box[2], ring[i]); box[3] = Math.max(box[3], ring[i + 1]);
      }
      path.closePath();
    }
    return { ...a, path, box };
  });
  const areaOf = new Map(areas.map((a) => [a.nr, a]));

  function holds(area, x, y) {
    const [left, top, right, bottom] = area.box;
    if (x < left || x > right || y < top || y > bottom) return false;
    let inside = false;
    for (const ring of area.ringen)
      for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2)
        if (ring[i + 1] > y !== ring[j + 1] > y &&
            x < (ring[j] - ring[i]) * (y - ring[i + 1]) / (ring[j + 1] - ring[i + 1]) + ring[i]) inside = !inside;
    return inside;
  }

  const areasAt = (x, y) => areas.filter((a) => holds(a, x, y));

  // --- screen -------------------------------------------------------------------------------------------------------

  const size = () => [canvas.clientWidth, canvas.clientHeight];
  const toScreen = (x, y) => { const [w, h] = size(); return [(x - view.x) * view.scale + w / 2, (y - view.y) * view.scale + h / 2]; };
  const toMetres = (px, py) => { const [w, h] = size(); return [(px - w / 2) / view.scale + view.x, (py - h / 2) / view.scale + view.y]; };

  function fit(box = null, most = Infinity) {
    steered = box !== null;
    box ??= [0, 0, raster.breedte, raster.hoogte];
    const [w, h] = size();
    if (!w || !h) return; // a frame that is not in sight yet has no size; what watches the size calls again
    view.x = (box[0] + box[2]) / 2;
    view.y = (box[1] + box[3]) / 2;
    placed = true;
    view.scale = Math.min(most, 0.92 * w / Math.max(1e-6, box[2] - box[0]), 0.92 * h / Math.max(1e-6, box[3] - box[1]));
    redraw();
  }

  function zoom(factor, px, py) {
    const [w, h] = size(), [x, y] = toMetres(px ?? w / 2, py ?? h / 2);
    const [low, high] = [0.2 * Math.min(w / raster.breedte, h / raster.hoogte), 400 / Math.min(raster.dx, raster.dy)];
    const next = Math.min(high, Math.max(low, view.scale * factor));
    view.x = x - (x - view.x) * view.scale / next;
    view.y = y - (y - view.y) * view.scale / next;
    view.scale = next;
    steered = true;
    redraw();
  }

  function pan(px, py) {
    view.x -= px / view.scale;
    view.y -= py / view.scale;
    steered = true;
    redraw();
  }

  function redraw() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  }

  function draw() {
    const [w, h] = size(), ratio = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
      canvas.width = Math.round(w * ratio);
      canvas.height = Math.round(h * ratio);
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, w, h);
    if (data.tegels && placed) drawTiles(w, h);
    pen.globalAlpha = state.opacity;
    pen.imageSmoothingEnabled = false;
    const [left, top] = toScreen(0, 0);
    if (sheet.width) pen.drawImage(sheet, left, top, sheet.width * raster.dx * view.scale, sheet.height * raster.dy * view.scale);
    pen.globalAlpha = 1;
    drawAreas(ratio);
    drawNames(w, h);
    drawBar(h);
    if (state.cross) drawCross(w, h);
  }

  function drawAreas(ratio) {
    const [left, top] = toScreen(0, 0), s = view.scale, many = areas.length > 200;
    pen.setTransform(ratio * s, 0, 0, ratio * s, ratio * left, ratio * top);
    pen.lineJoin = "round";
    for (const [colour, width] of many ? [["#1a1a1a", 0.8]] : [["#fff", 3.6], ["#1a1a1a", 1.6]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = width / s;
      for (const a of areas) pen.stroke(a.path);
    }
    const chosen = areaOf.get(state.chosen);
    if (chosen)
      for (const [colour, width] of [["#fff", 8], ["#0b63ce", 4.5]]) {
        pen.strokeStyle = colour;
        pen.lineWidth = width / s;
        pen.stroke(chosen.path);
      }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  function halo(text, x, y, align) {
    pen.textAlign = align;
    pen.lineWidth = 3.5;
    pen.strokeStyle = "#fff";
    pen.strokeText(text, x, y);
    pen.fillStyle = "#1a1a1a";
    pen.fillText(text, x, y);
  }

  function drawNames(w, h) {
    if (areas.length > 60) return;
    pen.font = "600 12.5px 'Segoe UI', system-ui, 'Noto Sans', 'DejaVu Sans', sans-serif";
    for (const a of areas) {
      const name = a.naam.length > 26 ? a.naam.slice(0, 25) + "…" : a.naam;
      const [left, top] = toScreen(a.box[0], a.box[1]), [right, bottom] = toScreen(a.box[2], a.box[3]);
      if (right < 0 || left > w || bottom < 0 || top > h) continue;
      const half = pen.measureText(name).width / 2 + 3; // a name stays on the screen as long as its polygon does
      halo(name, Math.max(half, Math.min(w - half, (left + right) / 2)), Math.max(16, top - 6), "center");
    }
  }

  function drawBar(h) {
    const most = 140 / view.scale, power = 10 ** Math.floor(Math.log10(most));
    const length = [5, 2, 1].map((f) => f * power).find((l) => l <= most) ?? power;
    const label = length >= 1000 ? `${number(length / 1000, length % 1000 ? 1 : 0)} km` : `${number(length, length < 1 ? 2 : 0)} m`;
    pen.fillStyle = "#fff";
    pen.fillRect(12, h - 20, length * view.scale + 4, 8);
    pen.fillStyle = "#1a1a1a";
    pen.fillRect(14, h - 18, length * view.scale, 4);
    pen.font = "12px 'Segoe UI', system-ui, 'Noto Sans', 'DejaVu Sans', sans-serif";
    halo(label, 14, h - 25, "left");
  }

  function drawCross(w, h) {
    for (const [colour, width] of [["#fff", 4], ["#0b63ce", 2]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.beginPath();
      pen.moveTo(w / 2 - 12, h / 2); pen.lineTo(w / 2 + 12, h / 2);
      pen.moveTo(w / 2, h / 2 - 12); pen.lineTo(w / 2, h / 2 + 12);
      pen.stroke();
    }
  }

  // --- background tiles (only where asked for; the policy of the page allows their host alone) ----------------------

  const tiles = new Map(), TILE = 256, COARSEST = 3440.64, ORIGIN = [-285401.92, 903401.92], DEEPEST = 14, COARSER = 3;

  function drawTiles(w, h) {
    const z = Math.max(0, Math.min(DEEPEST, Math.round(Math.log2(COARSEST * view.scale))));
    const span = TILE * COARSEST / 2 ** z, [x0, y0] = toMetres(0, 0), [x1, y1] = toMetres(w, h);
    const col = (x) => Math.floor((raster.links + x - ORIGIN[0]) / span), row = (y) => Math.floor((ORIGIN[1] - raster.boven + y) / span);
    for (let i = col(x0); i <= col(x1); i++)
      for (let j = row(y0); j <= row(y1); j++) {
        if (i < 0 || j < 0 || i >= 2 ** z || j >= 2 ** z) continue;
        const [px, py] = toScreen(ORIGIN[0] + i * span - raster.links, raster.boven - ORIGIN[1] + j * span);
        drawTile(z, i, j, px, py, span * view.scale);
      }
  }

  // A tile that the server does not have is cut from a coarser one; without a server nothing is drawn, and nothing said.
  function drawTile(z, i, j, px, py, side) {
    for (let up = 0; up <= Math.min(z, COARSER); up++) {
      const tile = tileAt(z - up, i >> up, j >> up), part = TILE >> up, from = (k) => (k - ((k >> up) << up)) * part;
      if (tile.complete && tile.naturalWidth) return pen.drawImage(tile, from(i), from(j), part, part, px, py, side, side);
      if (!tile.missing) return;
    }
  }

  function tileAt(z, i, j) {
    const name = `${z}/${i}/${j}`;
    if (!tiles.has(name)) {
      const image = new Image();
      image.onload = redraw;
      image.onerror = () => { image.missing = true; redraw(); };
      image.referrerPolicy = "no-referrer";
      image.src = `${data.tegels}${name}.png`;
      tiles.set(name, image);
    }
    return tiles.get(name);
  }

  // --- the cell pointed at ------------------------------------------------------------------------------------------

  const decimals = data.taal === "nl" ? "nl-NL" : "en-GB";
  const number = (value, digits) => value.toLocaleString(decimals, { minimumFractionDigits: digits, maximumFractionDigits: digits });

  function line(text, kind, colour) {
    const p = document.createElement("p");
    if (kind) p.className = kind;
    if (colour) {
      const dot = document.createElement("span");
      dot.className = "stip";
      dot.style.background = `rgb(${colour.join(",")})`;
      p.append(dot);
    }
    p.append(text);
    return p;
  }

  function indexAt(x, y) {
    const col = Math.floor(x / raster.dx), row = Math.floor(y / raster.dy), { rijen, kolommen } = functie();
    return x < 0 || y < 0 || x >= raster.breedte || y >= raster.hoogte ? -1 : Math.min(row, rijen - 1) * kolommen + Math.min(col, kolommen - 1);
  }

  function reasons(i) {
    const of = (id) => { const code = cells[id][i]; return [code, layer(id).namen[code] ?? "", colours(id)?.[code]]; };
    const share = (id) => { const [code, name] = of(id); return code <= 100 ? number(code / 100, 2) : name; };
    const [klasse, answer, colour] = of("klasse"), [, limit, limitColour] = of("bepalend"), [, fired] = of("vlaggen");
    const [risk, riskName, riskColour] = of("risico"), [cause, causeName] = of("oorzaak");
    const found = [line(answer, "kop", colour), line(`${t.score} ${share("geschiktheid")} · ${t.dekking} ${number(cells.dekking[i] <= 100 ? cells.dekking[i] : 0, 0)} %`)];
    if (fired) found.push(line(`${t.drempel}: ${fired}`));
    if (klasse !== UNKNOWN) found.push(line(`${t.drukt}: ${limit}`, "", limitColour));
    const because = cause > 0 && cause < UNKNOWN ? `, ${t.oorzaak} ${causeName}` : "";
    found.push(line(`${t.risico}: ${riskName}${risk <= 100 ? ` (${number(risk / 100, 2)})` : ""}${because}`, "", riskColour));
    return found;
  }

  function tell(x, y, px, py) {
    const i = cells.klasse ? indexAt(x, y) : -1;
    if (i < 0) { tip.hidden = true; return; }
    state.told = [x, y, px, py];
    const names = areasAt(x, y).slice(0, 3).map((a) => line(`${t.gebied}: ${a.naam}`, "soft"));
    const place = `${data.rd ? "RD " : ""}x ${Math.floor(raster.links + x)}, y ${Math.floor(raster.boven - y)}`;
    const told = cells.klasse[i] === OUTSIDE ? [line(t.buiten, "soft")] : reasons(i);
    tip.replaceChildren(...told, ...names, line(place, "soft"));
    tip.hidden = false;
    const [w, h] = size(), right = px + 16 + tip.offsetWidth < w ? px + 16 : px - 16 - tip.offsetWidth;
    tip.style.transform = `translate(${Math.max(4, right)}px, ${Math.max(4, Math.min(py + 14, h - tip.offsetHeight - 4))}px)`;
  }

  function tellCentre() {
    const [w, h] = size();
    state.cross = true;
    tell(view.x, view.y, w / 2, h / 2);
    redraw();
  }

  // --- rows and polygons --------------------------------------------------------------------------------------------

  const rows = [...byId("rijen").rows];

  function choose(nr, { show = false, scroll = false } = {}) {
    state.chosen = nr;
    for (const row of rows) {
      const on = Number(row.dataset.gebied) === nr && nr > 0;
      row.classList.toggle("gekozen", on);
      if (on) row.setAttribute("aria-current", "true"); else row.removeAttribute("aria-current");
      if (on && scroll && !row.hidden) row.scrollIntoView({ block: "nearest" });
    }
    const area = areaOf.get(nr);
    canvas.dataset.gekozen = area ? String(nr) : "";
    byId("gekozen").textContent = area ? `${t.gekozen}: ${area.naam}` : "";
    if (show && area) fit(widened(area.box), 3 / Math.min(raster.dx, raster.dy) * 4); else redraw();
  }

  const widened = ([a, b, c, d]) => { const m = 0.6 * Math.max(c - a, d - b, raster.dx); return [a - m, b - m, c + m, d + m]; };

  byId("rijen").addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    if (row) choose(Number(row.dataset.gebied), { show: true });
  });

  // --- pointer and keys ---------------------------------------------------------------------------------------------

  const fingers = new Map();
  let moved = 0;
  const at = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, at(event));
    moved = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const [px, py] = at(event), before = fingers.get(event.pointerId);
    state.cross = null;
    if (!before) { tell(...toMetres(px, py), px, py); return; }
    const others = [...fingers].filter(([id]) => id !== event.pointerId).map(([, p]) => p);
    moved += Math.abs(px - before[0]) + Math.abs(py - before[1]);
    if (others.length) {
      const [ox, oy] = others[0], reach = (x, y) => Math.max(1, Math.hypot(x - ox, y - oy));
      zoom(reach(px, py) / reach(...before), (px + ox) / 2, (py + oy) / 2);
    } else if (moved > 4) { tip.hidden = true; pan(px - before[0], py - before[1]); }
    fingers.set(event.pointerId, [px, py]);
  });
  canvas.addEventListener("pointerup", (event) => {
    const [px, py] = at(event), [x, y] = toMetres(px, py);
    if (fingers.size === 1 && moved <= 4) {
      const hits = areasAt(x, y);
      choose(hits.length ? hits[hits.length - 1].nr : 0, { scroll: true });
      tell(x, y, px, py);
    }
    fingers.delete(event.pointerId);
  });
  canvas.addEventListener("pointercancel", (event) => fingers.delete(event.pointerId));
  canvas.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") tip.hidden = true; }); // a finger leaves as it tells
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    zoom(Math.exp(-Math.max(-240, Math.min(240, event.deltaY * lines)) * 0.0022), ...at(event));
  }, { passive: false });

  const KEYS = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (KEYS[event.key]) pan(...KEYS[event.key]);
    else if (event.key === "+" || event.key === "=") zoom(1.5);
    else if (event.key === "-" || event.key === "_") zoom(1 / 1.5);
    else if (event.key === "0" || event.key === "Home") fit();
    else if (event.key === "Escape") { tip.hidden = true; state.cross = null; choose(0); return; }
    else if (event.key === "Enter" || event.key === " ") choose(areasAt(view.x, view.y).at(-1)?.nr ?? 0, { scroll: true });
    else return;
    event.preventDefault();
    tellCentre();
  });
  byId("in").addEventListener("click", () => zoom(1.5));
  byId("uit").addEventListener("click", () => zoom(1 / 1.5));
  byId("alles").addEventListener("click", () => fit());

  // --- choices ------------------------------------------------------------------------------------------------------

  function gradient(id) {
    const bar = document.createElement("div"), scale = document.createElement("div");
    bar.className = "verloop";
    scale.className = "schaal";
    const stops = [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100].map((v) => `rgb(${colours(id)[v].join(",")}) ${v}%`);
    bar.style.background = `linear-gradient(to right, ${stops.join(",")})`;
    scale.append(...["0", number(0.5, 1), "1"].map((text) => Object.assign(document.createElement("span"), { textContent: text })));
    const item = document.createElement("li");
    item.append(bar, scale);
    return item;
  }

  function entries(id) {
    const seen = new Set(), found = [];
    for (const [code, name] of Object.entries(layer(id).namen)) {
      if (seen.has(name) || !colours(id)[code]) continue;
      seen.add(name);
      const item = document.createElement("li"), dot = document.createElement("span");
      dot.className = "stip";
      dot.style.background = `rgb(${colours(id)[code].join(",")})`;
      item.append(dot, name);
      found.push(item);
    }
    return found;
  }

  function showLegend() {
    byId("laagnaam").textContent = layer(state.layer).titel;
    byId("legenda").replaceChildren(...(SHARES.includes(state.layer) ? [gradient(state.layer)] : []), ...entries(state.layer));
  }

  function refresh() {
    document.body.classList.toggle("blind", state.palette === "kleurenblind");
    paint();
    showLegend();
    redraw();
  }

  async function use(index) {
    state.asked = index;
    const found = await load(index);
    if (state.asked !== index) return; // another was chosen meanwhile
    cells = found;
    state.functie = index;
    if (!tip.hidden) tell(...state.told);
    for (const row of rows) row.hidden = row.dataset.functie !== functie().id;
    refresh();
  }

  function layerChoice(id) {
    const label = document.createElement("label"), input = document.createElement("input");
    Object.assign(input, { type: "radio", name: "laag", value: id, checked: id === state.layer });
    input.addEventListener("change", () => { state.layer = id; refresh(); });
    label.append(input, layer(id).titel);
    return label;
  }

  byId("lagen").append(...SHOWN.map(layerChoice));
  byId("functie").addEventListener("change", (event) => use(Number(event.target.value)));
  byId("dekkracht").addEventListener("input", (event) => { state.opacity = event.target.value / 100; redraw(); });
  byId("kleuren").addEventListener("change", (event) => { state.palette = event.target.checked ? "kleurenblind" : "landelijk"; refresh(); });
  new ResizeObserver(() => steered && placed ? redraw() : fit()).observe(canvas);

  // For a page around this one, and for tests: from RD to the screen.
  window.kaart = { naarScherm: (x, y) => toScreen(x - raster.links, raster.boven - y), klaar: null };
  if (typeof DecompressionStream === "undefined") byId("hulp").textContent = t.oud;
  else window.kaart.klaar = use(0).then(() => { fit(); return true; });
})();
