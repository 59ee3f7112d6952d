// Tables that keep their rows: a second later only what differs is written, so nothing jumps, flickers or loses focus.
// Whatever comes from the balancer becomes text, never markup.

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") made.className = value;
    else if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

// Three digits that count, and a prefix: 7.31, 73.1, 731, 7.31 k.
export function short(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  for (const [size, prefix] of [[1e9, " G"], [1e6, " M"], [1e4, " k"]]) {
    if (value >= size) {
      const scaled = value / (size === 1e4 ? 1e3 : size);
      return scaled.toFixed(scaled >= 100 ? 0 : scaled >= 10 ? 1 : 2) + prefix;
    }
  }
  return value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1);
}

export const percent = (value) => (value === null || value === undefined ? "–" : `${value.toFixed(1)} %`);

export function milliseconds(value) {
  if (value === null || value === undefined) return "–";
  if (value >= 10000) return `${(value / 1000).toFixed(1)} s`;
  return `${value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2)} ms`;
}

export function duration(seconds) {
  const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = parts.findIndex(([size]) => seconds >= size);
  if (first < 0) return "0 s";
  return parts.slice(first, first + 2).map(([size, unit], i) =>
    `${Math.floor((i === 0 ? seconds : seconds % parts[first][0]) / size)} ${unit}`).join(" ");
}

// Of a cell: a text, or {text, small, pill, bar, codes, button, hint}.
function fill(cell, content) {
  const parts = typeof content === "object" && content !== null ? content : {text: content};
  cell.replaceChildren();
  if (parts.pill) cell.append(element("span", {class: `pill ${parts.pill}`}, parts.text));
  else if (parts.button) {
    cell.append(element("button", {type: "button", disabled: parts.disabled, ariaLabel: parts.hint, onclick: parts.button},
      parts.text));
  } else if (parts.codes) {
    cell.append(element("span", {class: "codes"}, ...parts.codes.map(({code, count, kind}) =>
      element("span", {class: kind}, element("b", {}, code), ` ${count}`))));
  } else cell.append(parts.text ?? "–");
  if (parts.small) cell.append(element("small", {}, parts.small));
  if (parts.bar !== undefined) {
    const bar = element("i");
    bar.style.width = `${Math.max(0, Math.min(100, parts.bar))}%`;
    cell.append(element("span", {class: "bar", ariaHidden: "true"}, bar));
  }
}

export class Table {
  // columns: {title, class, width}; `empty` is said when there are no rows.
  constructor(parent, columns, empty) {
    this.columns = columns;
    this.rows = new Map();  // key -> {row, told}
    this.body = element("tbody");
    this.empty = element("tr", {class: "empty"}, element("td", {colSpan: columns.length, "data-label": ""}, empty));
    this.table = element("table", {},
      element("colgroup", {}, ...columns.map(({width}) => element("col", {class: width ?? ""}))),
      element("thead", {}, element("tr", {}, ...columns.map((column) =>
        element("th", {scope: "col", class: column.class ?? ""}, column.title)))),
      this.body);
    parent.append(this.table);
    this.body.append(this.empty);
    this.rest = element("td", {colSpan: columns.length, "data-label": ""});
    this.foot = element("tfoot", {hidden: true}, element("tr", {class: "empty"}, this.rest));
    this.table.append(this.foot);
  }

  // rows: [{key, cells}], in the order to be shown; `left_out`: so many more there are.
  show(rows, left_out = 0) {
    const wanted = new Set(rows.map(({key}) => key));
    for (const [key, {row}] of this.rows) {
      if (wanted.has(key)) continue;
      row.remove();
      this.rows.delete(key);
    }
    let before = this.empty.nextSibling;
    for (const {key, cells} of rows) {
      if (!this.rows.has(key)) this.rows.set(key, {row: this.made(key), told: []});
      const known = this.rows.get(key);
      cells.forEach((content, i) => {
        const told = JSON.stringify(content);
        if (known.told[i] === told) return;
        known.told[i] = told;
        fill(known.row.cells[i], content);
      });
      if (known.row === before) before = before.nextSibling;
      else this.body.insertBefore(known.row, before);
    }
    this.empty.hidden = rows.length > 0;
    this.foot.hidden = left_out <= 0;
    this.rest.textContent = left_out > 0 ? `${left_out.toLocaleString("en")} more are not shown here.` : "";
  }

  made(key) {
    return element("tr", {"data-key": key}, ...this.columns.map((column) =>
      element("td", {class: column.class ?? "", "data-label": column.label ?? column.title})));
  }
}
