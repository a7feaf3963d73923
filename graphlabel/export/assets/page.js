
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const nodes = data.nodes;
  const PAGE = 200;
  const GLYPH = { input: "▼", output: "▲", cross: "◆", obscure: "○" };
  const byId = (id) => document.getElementById(id);
  const body = document.querySelector("tbody");
  const state = { sort: "influence", up: true, shown: PAGE, tokens: new Set(), box: null, chosen: null, focus: 0 };
  let rows = [];

  const make = (name, props = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(props)) {
      if (key.includes("-") || key === "role") made.setAttribute(key, value);
      else made[key] = value;
    }
    made.append(...children);
    return made;
  };
  const figure = (value, digits = 3) =>
    value === undefined || value === null ? "" : Number.isInteger(value) ? String(value) : value.toPrecision(digits);
  const percent = (value) => (value === undefined || value === null ? "" : (100 * value).toFixed(1) + " %");
  const title = (node) =>
    node.label || (node.kind === "token" || node.kind === "logit" ? node.token : node.kind === "feature" ? `L${node.layer} #${node.feature}` : node.kind === "error" ? `L${node.layer} error` : node.node_id);
  const classOf = (node) => (node.class ? `${GLYPH[node.class] || ""} ${node.class}` : "");

  const COLUMNS = [
    ["label", "Label", title],
    ["kind", "Kind", (n) => n.kind],
    ["class", "Class", classOf],
    ["tier", "Tier", (n) => figure(n.tier), 1],
    ["layer", "Layer", (n) => (n.kind === "token" || n.kind === "logit" ? "" : figure(n.layer)), 1],
    ["feature", "Feature", (n) => (n.kind === "feature" ? String(n.feature) : ""), 1],
    ["position", "At", (n) => `${n.position} ${n.token || ""}`],
    ["influence", "Influence", (n) => figure(n.influence), 1],
    ["activation", "Activation", (n) => figure(n.activation ?? n.probability), 1],
    ["s_input", "S in", (n) => figure(n.s_input, 2), 1],
    ["s_output", "S out", (n) => figure(n.s_output, 2), 1],
    ["s_cross", "S cross", (n) => figure(n.s_cross, 2), 1],
    ["supernode", "Supernode", (n) => n.supernode || ""],
    ["label_origin", "Labelled by", (n) => n.label_author || n.label_origin || ""],
    ["pinned", "Pinned", (n) => (n.pinned ? "●" : "")],
  ];

  const sortKey = (node) => (state.sort === "label" ? title(node).toLowerCase() : node[state.sort]);
  function compare(a, b) {
    const x = sortKey(nodes[a]);
    const y = sortKey(nodes[b]);
    const gone = (v) => v === undefined || v === null || v === "";
    if (gone(x) || gone(y)) return gone(x) - gone(y) || a - b;
    const order = typeof x === "string" ? x.localeCompare(y) : x - y;
    return (state.up ? order : -order) || a - b;
  }

  function filtered() {
    const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const kind = byId("kind").value, group = byId("supernode").value, sort = byId("class").value;
    const members = state.box === null ? null : new Set(data.boxes[state.box]);
    return nodes.map((_, place) => place).filter((place) => {
      const node = nodes[place];
      if (members && !members.has(place)) return false;
      if (state.tokens.size && !state.tokens.has(node.position)) return false;
      if ((kind && node.kind !== kind) || (group && node.supernode !== group)) return false;
      if (sort && (node.class || "unrouted") !== sort) return false;
      if (byId("pinned").checked && !node.pinned) return false;
      const said = [node.label, node.token, node.node_id, node.note, node.supernode, node.reason, `L${node.layer} #${node.feature}`].join(" ").toLowerCase();
      return words.every((word) => said.includes(word));
    }).sort(compare);
  }

  function drawTable() {
    rows = filtered();
    state.focus = Math.min(state.focus, Math.max(rows.length - 1, 0));
    body.replaceChildren(...rows.slice(0, state.shown).map((place, index) => {
      const row = make("tr", { tabIndex: index === state.focus ? 0 : -1, "data-place": place, "aria-selected": place === state.chosen });
      for (const [, , show, numeric] of COLUMNS) {
        const said = show(nodes[place]);
        row.append(make("td", { textContent: said, title: said, className: numeric ? "number" : "" }));
      }
      return row;
    }));
    byId("count").textContent = `${rows.length} of ${nodes.length} nodes`;
    byId("more").hidden = rows.length <= state.shown;
    for (const head of document.querySelectorAll("th")) {
      const sorted = head.dataset.column === state.sort;
      head.setAttribute("aria-sort", sorted ? (state.up ? "ascending" : "descending") : "none");
      head.firstChild.textContent = head.dataset.title + (sorted ? (state.up ? " ↑" : " ↓") : "");
    }
    for (const [place, button] of [...byId("prompt").children].entries())
      button.setAttribute("aria-pressed", state.tokens.has(place));
    for (const box of document.querySelectorAll("[data-box]"))
      box.setAttribute("aria-pressed", Number(box.dataset.box) === state.box);
  }

  function facts(node) {
    const list = make("dl");
    const add = (name, value) => {
      if (value !== undefined && value !== null && value !== "") list.append(make("dt", { textContent: name }), make("dd", { textContent: value }));
    };
    add("node", `${node.node_id} (${node.kind})`);
    add("at", `token ${node.position} “${node.token || ""}”${node.kind === "feature" ? `, layer ${node.layer}, feature ${node.feature}` : ""}`);
    add("label by", [node.label_author || node.label_origin, node.label_method, node.label_model, node.label_time].filter(Boolean).join(" · "));
    add("label holds", node.label_scope === "feature" ? "wherever the feature fires" : node.label_scope && "at this occurrence");
    add("trust", figure(node.trust, 2));
    add("review", node.review);
    add("class", node.class && `${classOf(node)}, tier ${node.tier}`);
    add("why", node.reason);
    for (const side of ["input", "output", "cross"])
      if (node[`s_${side}`] !== undefined)
        add(`S ${side}`, `${figure(node[`s_${side}`])}${node[`p_${side}`] === undefined ? "" : `, p = ${figure(node[`p_${side}`], 2)}, effect ${figure(node[`effect_${side}`], 2)}`}`);
    add("activation", figure(node.activation));
    add("probability", figure(node.probability));
    add("influence", node.influence === undefined ? "" : `${figure(node.influence)} (low is important)`);
    add("supernode", node.supernode);
    add("note", node.note);
    return list;
  }

  function linkList(name, links) {
    if (!links.length) return [];
    const items = links.map(([place, weight]) => {
      const other = nodes[place];
      const way = make("button", { type: "button", "data-go": place },
        make("span", { className: `weight ${weight < 0 ? "negative" : "positive"}`, textContent: (weight < 0 ? "− " : "+ ") + figure(Math.abs(weight)) }),
        make("span", { textContent: `${title(other)} · ${other.kind === "feature" ? `L${other.layer} ` : ""}@${other.position}` }));
      return make("li", {}, way);
    });
    return [make("h3", { textContent: name }), make("ul", {}, ...items)];
  }

  function example(found, most) {
    const line = make("div", { className: "example" });
    if (found.cut[0]) line.append("… ");
    found.tokens.forEach((token, place) => {
      const act = found.acts[place];
      const mark = make("span", { textContent: token, title: `activation ${figure(act)}`, className: place === found.peak ? "peak" : "" });
      if (act > 0 && most > 0) mark.style.setProperty("--heat", String(Math.round(12 + 68 * Math.min(act / most, 1))));
      line.append(mark);
    });
    if (found.cut[1]) line.append(" …");
    return line;
  }

  function evidence(record) {
    const parts = [];
    const tokens = (name, list) => {
      if (list.length) parts.push(make("h3", { textContent: name }), make("div", { className: "tokens" }, ...list.map((t) => make("span", { textContent: t }))));
    };
    if (record.explanations.length) parts.push(make("h3", { textContent: "Explanations" }), ...record.explanations.map((e) => make("p", { textContent: e })));
    tokens("Raises these next tokens", record.top);
    tokens("Lowers these next tokens", record.bottom);
    const said = [record.density == null ? "" : `fires on ${percent(record.density)} of tokens`, record.max == null ? "" : `largest activation ${figure(record.max)}`].filter(Boolean);
    if (said.length) parts.push(make("p", { className: "quiet", textContent: said.join(", ") }));
    const most = record.max || Math.max(0, ...record.quantiles.flatMap((q) => q.examples.flatMap((e) => e.acts)));
    for (const quantile of record.quantiles)
      parts.push(make("h3", { textContent: quantile.name }), ...quantile.examples.map((e) => example(e, most)));
    return parts;
  }

  function choose(place, { focus = false } = {}) {
    state.chosen = place;
    const node = nodes[place], panel = byId("detail");
    panel.replaceChildren(make("h2", { textContent: title(node) }), facts(node));
    if (node.evidence !== undefined) panel.append(...evidence(data.evidence[node.evidence]));
    else if (node.kind === "feature") panel.append(make("p", { className: "quiet", textContent: data.source ? `${data.source} has no evidence of this feature.` : "The page was made without evidence (export with --with-features)." }));
    panel.append(...linkList("Strongest inputs", node.in), ...linkList("Strongest outputs", node.out));
    panel.scrollTop = 0;
    for (const row of body.rows) row.setAttribute("aria-selected", Number(row.dataset.place) === place);
    if (focus) panel.focus();
  }

  function redraw() { state.shown = PAGE; drawTable(); }
  function clear() {
    byId("search").value = "";
    for (const id of ["kind", "class", "supernode"]) byId(id).value = "";
    byId("pinned").checked = false;
    state.tokens.clear();
    state.box = null;
    redraw();
  }
  function pressBox(box) {
    const place = Number(box.dataset.box);
    state.box = state.box === place ? null : place;
    redraw();
    if (state.box !== null) choose(data.boxes[place][0]);
  }
  function moveTo(index) {
    if (index < 0 || index >= rows.length) return;
    if (index >= state.shown) { state.shown = Math.ceil((index + 1) / PAGE) * PAGE; drawTable(); }
    body.rows[state.focus]?.setAttribute("tabindex", -1);
    state.focus = index;
    const row = body.rows[index];
    row.tabIndex = 0;
    row.focus();
    choose(Number(row.dataset.place));
  }

  function build() {
    const counts = data.tokens.map(() => 0);
    for (const node of nodes) if (node.kind === "feature" && node.position in counts) counts[node.position] += 1;
    const most = Math.max(1, ...counts);
    byId("prompt").append(...data.tokens.map((token, place) => {
      const bar = make("i");
      bar.style.width = `${(100 * counts[place]) / most}%`;
      return make("button", { type: "button", title: `token ${place}: ${counts[place]} features`, "aria-pressed": "false", "data-token": place }, token || "␣", bar);
    }));
    document.querySelector("thead").append(make("tr", {}, ...COLUMNS.map(([column, name, , numeric]) =>
      make("th", { scope: "col", className: numeric ? "number" : "", "data-column": column, "data-title": name }, make("button", { type: "button", textContent: name })))));
    const options = (id, values) => byId(id).append(make("option", { value: "", textContent: "all" }), ...[...values].map((value) => make("option", { value, textContent: value })));
    options("kind", new Set(nodes.map((n) => n.kind)));
    options("class", new Set(nodes.filter((n) => n.kind === "feature").map((n) => n.class || "unrouted")));
    options("supernode", new Set(nodes.map((n) => n.supernode).filter(Boolean)));
  }

  function listen() {
    byId("search").addEventListener("input", redraw);
    for (const id of ["kind", "class", "supernode", "pinned"]) byId(id).addEventListener("change", redraw);
    byId("clear").addEventListener("click", clear);
    byId("more").addEventListener("click", () => { state.shown += PAGE; drawTable(); });
    document.querySelector("thead").addEventListener("click", (event) => {
      const head = event.target.closest("th");
      if (!head) return;
      state.up = head.dataset.column === state.sort ? !state.up : true;
      state.sort = head.dataset.column;
      drawTable();
    });
    byId("prompt").addEventListener("click", (event) => {
      const token = event.target.closest("[data-token]");
      if (!token) return;
      const place = Number(token.dataset.token);
      if (!state.tokens.delete(place)) state.tokens.add(place);
      redraw();
    });
    byId("picture").addEventListener("click", (event) => {
      const box = event.target.closest("[data-box]");
      if (box) pressBox(box);
    });
    byId("picture").addEventListener("keydown", (event) => {
      const box = event.target.closest("[data-box]");
      if (box && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); pressBox(box); }
    });
    body.addEventListener("click", (event) => {
      const row = event.target.closest("tr");
      if (row) moveTo(row.sectionRowIndex);
    });
    body.addEventListener("keydown", (event) => {
      const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20, Home: -Infinity, End: Infinity };
      if (event.key === "Enter") choose(rows[state.focus], { focus: true });
      else if (event.key in steps) moveTo(Math.max(0, Math.min(state.focus + steps[event.key], rows.length - 1)));
      else return;
      event.preventDefault();
    });
    byId("detail").addEventListener("click", (event) => {
      const way = event.target.closest("[data-go]");
      if (way) choose(Number(way.dataset.go), { focus: true });
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) { event.preventDefault(); byId("search").focus(); }
      else if (event.key === "Escape") clear();
    });
  }

  build();
  listen();
  drawTable();
  if (nodes.length) {
    const shown = data.boxes.flat().map((place) => nodes[place]).find((node) => node.kind === "feature");
    choose(shown ? nodes.indexOf(shown) : rows[0]);
  }
})();
