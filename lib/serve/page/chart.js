// Lines over the last two minutes, drawn as SVG. A moment without figures is a gap.

const SPACE = "http://www.w3.org/2000/svg";
const SECONDS = 120;
const HEIGHT = 190, TOP = 8, BOTTOM = 20, LEFT = 46, RIGHT = 4;

function element(name, attributes, parent) {
  const made = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.append(made);
  return made;
}

// The least of 1, 2, 5, 10, 20, ... that nothing is above, so that the scale seldom changes.
export function ceiling(value) {
  for (let decade = 10; ; decade *= 10) {
    for (const step of [decade, 2 * decade, 5 * decade]) if (value <= step) return step;
  }
}

export class Chart {
  constructor(parent, names, short) {
    this.names = names;
    this.short = short;  // number -> text
    this.points = [];  // {at: seconds, values: {name: number} or null}
    this.svg = element("svg", {role: "img", "aria-label": "messages a second"}, parent);
    this.grid = element("g", {}, this.svg);
    this.lines = Object.fromEntries(names.map((name) => [name, element("path", {class: name}, this.svg)]));
    this.width = 0;
    new ResizeObserver(([entry]) => {
      this.width = Math.round(entry.contentRect.width);
      this.draw();
    }).observe(parent);
  }

  add(at, values) {
    this.points.push({at, values});
    this.points = this.points.filter((point) => at - point.at <= SECONDS);
    this.draw();
  }

  draw() {
    if (this.width === 0) return;
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    const now = this.points.at(-1)?.at ?? 0;
    let most = 0;
    for (const {values} of this.points) for (const name of this.names) most = Math.max(most, values?.[name] ?? 0);
    const top = ceiling(most);
    const x = (at) => LEFT + (1 - (now - at) / SECONDS) * (this.width - LEFT - RIGHT);
    const y = (value) => TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM);
    this.drawGrid(top, x, y, now);
    for (const name of this.names) {
      let path = "", pen = false;
      for (const {at, values} of this.points) {
        if (values) path += `${pen ? "L" : "M"}${x(at).toFixed(1)} ${y(values[name]).toFixed(1)}`;
        pen = values !== null;
      }
      this.lines[name].setAttribute("d", path);
    }
    const last = this.points.at(-1)?.values;
    const said = last ? this.names.map((name) => `${name} ${this.short(last[name])}`).join(", ") : "no figures";
    this.svg.setAttribute("aria-label", `Messages a second over the last two minutes; now: ${said}`);
  }

  drawGrid(top, x, y, now) {
    const key = `${top} ${this.width}`;
    if (this.drawn === key) return;
    this.drawn = key;
    this.grid.replaceChildren();
    for (const part of [0, 0.5, 1]) {
      const at = y(part * top);
      element("line", {class: "grid", x1: LEFT, x2: this.width - RIGHT, y1: at, y2: at}, this.grid);
      element("text", {x: LEFT - 6, y: at + 4, "text-anchor": "end"}, this.grid).textContent = this.short(part * top);
    }
    for (const [ago, text, anchor] of [[120, "2 min ago", "start"], [60, "1 min ago", "middle"], [0, "now", "end"]]) {
      element("text", {x: x(now - ago), y: HEIGHT - 4, "text-anchor": anchor}, this.grid).textContent = text;
    }
  }
}
