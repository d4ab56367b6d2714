// The ledger of a report: searched and sorted in place, and only the lines in sight are in the page, so that
// 100,000 rows take no longer than 100. Plain JavaScript that asks nothing of a server. Text goes in as text.
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("ledger-data").textContent);
  const scroller = document.getElementById("ledger");
  const body = scroller.querySelector("tbody");
  const search = document.getElementById("ledger-search");
  const count = document.getElementById("ledger-count");
  const heads = [...scroller.querySelectorAll("thead th")];
  const ROW = 4, PRINTED = 200, AROUND = 12;
  const KEY = 4, KEY_NUMBER = 5, WAY = 6;

  const total = data.rows.length / ROW;
  const kind = (row) => data.kinds[data.rows[row * ROW]];
  let first = Infinity;
  for (let row = 0; row < total; row++) first = Math.min(first, data.rows[row * ROW + 2]);
  const grouped = (value) => String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  const micros = (cycles) => {
    const time = cycles * 1e6 / data.hz;
    return time < 10000 ? time.toFixed(3) : grouped(Math.round(time));
  };

  // By the name of a column: what it shows of a row, what it is sorted by, and whether numbers stand at the right.
  const own = (place) => ({
    show: (row) => grouped(data.rows[row * ROW + place]),
    sort: (row) => data.rows[row * ROW + place],
  });
  const text = (place) => ({ show: (row) => kind(row)[place], sort: (row) => kind(row)[place] });
  const number = (place) => ({ show: (row) => grouped(kind(row)[place]), sort: (row) => kind(row)[place] });
  const COLUMNS = {
    seq: own(1),
    at: own(2),
    us: { show: (row) => micros(data.rows[row * ROW + 2] - first), sort: (row) => data.rows[row * ROW + 2] },
    vcpu: number(0),
    pc: text(1),
    exit: text(2),
    key: { show: (row) => kind(row)[KEY], sort: (row) => kind(row)[KEY] === "" ? -2 : kind(row)[KEY_NUMBER] },
    way: text(WAY),
    size: number(7),
    place: text(8),
    accesses: number(9),
    switch: number(11),
    dispatch: number(12),
    decode: number(13),
    userspace: number(14),
    device: number(15),
    total: number(16),
  };
  const columns = heads.map((head) => COLUMNS[head.dataset.column]);

  // What a search looks at: the words of a kind are the same for all of its rows.
  const words = data.kinds.map((kind) =>
    kind.slice(0, 9).filter((_, i) => i !== KEY_NUMBER).join(" ").toLowerCase()
  );

  let rows = [];
  let sorted = { column: 0, down: false };
  let height = 22;

  function select() {
    const terms = search.value.toLowerCase().split(/\s+/).filter((term) => term !== "");
    const sequence = terms.filter((term) => /^#\d+$/.test(term)).map((term) => Number(term.slice(1)));
    const others = terms.filter((term) => !/^#\d+$/.test(term));
    // Letters of "in" are in many a word, so the two ways stand for themselves.
    const has = (i, term) =>
      term === "in" || term === "out" ? data.kinds[i][WAY] === term : words[i].includes(term);
    const fits = words.map((_, i) => others.every((term) => has(i, term)));
    rows = [];
    for (let row = 0; row < total; row++) {
      if (!fits[data.rows[row * ROW]]) continue;
      if (sequence.length === 0 || sequence.includes(data.rows[row * ROW + 1])) rows.push(row);
    }
    const { sort } = columns[sorted.column], sign = sorted.down ? -1 : 1;
    rows.sort((a, b) => {
      const x = sort(a), y = sort(b);
      return (x < y ? -sign : x > y ? sign : 0) || a - b;
    });
    let cycles = 0;
    for (const row of rows) cycles += kind(row)[16];
    count.textContent = `${grouped(rows.length)} of ${grouped(total)} rows, ${grouped(cycles)} cycles`;
    scroller.querySelector("table").setAttribute("aria-rowcount", String(rows.length + 1));
    heads.forEach((head, i) => {
      const way = i !== sorted.column ? "none" : sorted.down ? "descending" : "ascending";
      head.setAttribute("aria-sort", way);
    });
  }

  function lineOf(place) {
    const row = rows[place], line = document.createElement("tr");
    line.setAttribute("aria-rowindex", String(place + 2));
    columns.forEach((column, i) => {
      const cell = document.createElement("td");
      cell.textContent = column.show(row);
      cell.className = heads[i].className;
      if (cell.textContent.length > 16) cell.title = cell.textContent;
      line.append(cell);
    });
    return line;
  }

  function space(lines) {
    const line = document.createElement("tr"), cell = document.createElement("td");
    line.className = "space";
    cell.colSpan = columns.length;
    cell.style.height = `${lines * height}px`;
    line.append(cell);
    line.setAttribute("aria-hidden", "true");
    return line;
  }

  function show(from, to) {
    const lines = [];
    for (let place = from; place < to; place++) lines.push(lineOf(place));
    body.replaceChildren(space(from), ...lines, space(rows.length - to));
  }

  function draw() {
    const from = Math.max(0, Math.floor(scroller.scrollTop / height) - AROUND);
    const to = Math.min(rows.length, from + Math.ceil(scroller.clientHeight / height) + 2 * AROUND);
    show(Math.min(from, to), to);
  }

  function refresh() {
    select();
    scroller.scrollTop = 0;
    // Twice: how many lines are in sight depends on how many there are.
    draw();
    draw();
  }

  heads.forEach((head, i) => {
    head.querySelector("button").addEventListener("click", () => {
      sorted = { column: i, down: sorted.column === i && !sorted.down };
      refresh();
    });
  });

  // A search can be passed on: it is in the address.
  const fromAddress = () => {
    const wanted = new URLSearchParams(location.hash.slice(1));
    if (wanted.has("q")) search.value = wanted.get("q");
    const [name, way] = (wanted.get("sort") ?? "").split(":");
    const column = heads.findIndex((head) => head.dataset.column === name);
    if (column >= 0) sorted = { column, down: way === "down" };
  };
  let typed;
  search.addEventListener("input", () => {
    clearTimeout(typed);
    typed = setTimeout(() => {
      history.replaceState(
        null,
        "",
        search.value === "" ? "#ledger-title" : `#q=${encodeURIComponent(search.value)}`,
      );
      refresh();
    }, 80);
  });
  addEventListener("hashchange", () => {
    fromAddress();
    refresh();
  });

  let due = false;
  scroller.addEventListener("scroll", () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      draw();
    });
  }, { passive: true });
  addEventListener("resize", draw);
  // Paper has no scroll bar: it gets the first rows of what is selected, and says so.
  addEventListener("beforeprint", () => {
    const printed = Math.min(PRINTED, rows.length);
    show(0, printed);
    if (printed < rows.length) count.textContent += `; the first ${printed} are printed`;
  });
  addEventListener("afterprint", () => {
    select();
    draw();
  });

  fromAddress();
  select();
  draw();
  // Fonts differ: what a line really takes is known once there is one.
  const line = body.querySelector("tr:not(.space)");
  const measured = line?.getBoundingClientRect().height ?? 0;
  if (measured > 0) height = measured;
  draw();
})();
