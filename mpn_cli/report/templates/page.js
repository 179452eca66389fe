"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const svgName = "http://www.w3.org/2000/svg";
  const byId = (id) => document.getElementById(id);
  const cards = [...document.querySelectorAll(".card")];
  const root = document.documentElement;

  // Dark or light: as the system has it, until the button is pressed.
  root.classList.toggle("dark", matchMedia("(prefers-color-scheme: dark)").matches);
  byId("theme").addEventListener("click", () => root.classList.toggle("dark"));

  const wanted = {
    poses: byId("show-poses"), labels: byId("show-labels"), boxes: byId("show-boxes"),
    scores: byId("show-scores"), least: byId("least"),
  };

  function element(name, attributes, parent) {
    const made = document.createElementNS(svgName, name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    parent.append(made);
    return made;
  }

  function sideOf(a, b) {
    return data.sides[a] === data.sides[b] ? data.sides[a] : data.sides[a] && data.sides[b] ? 0 : data.sides[a] || data.sides[b];
  }

  // As in the overlay files: wide lines for large people, faint ones for what is uncertain.
  function drawPose(svg, pose, picture) {
    const size = Math.max(pose.b[2], pose.b[3]);
    const wide = Math.max(size / 90, Math.max(picture.w, picture.h) / 400);
    const surest = Math.min(1, pose.s / 0.3);
    const strength = (joint) => {
      const confidence = pose.k[3 * joint + 2];
      return confidence <= data.kptThr ? 0 : surest * Math.min(1, 0.15 + confidence / 100);
    };
    if (wanted.poses.checked) {
      for (const [a, b] of data.limbs) {
        const opacity = Math.min(strength(a), strength(b));
        if (opacity) element("line", {
          class: "limb s" + sideOf(a, b), x1: pose.k[3 * a], y1: pose.k[3 * a + 1],
          x2: pose.k[3 * b], y2: pose.k[3 * b + 1], "stroke-width": wide, opacity,
        }, svg);
      }
      data.sides.forEach((side, joint) => {
        const opacity = strength(joint);
        if (opacity) element("circle", {
          class: "joint s" + side, cx: pose.k[3 * joint], cy: pose.k[3 * joint + 1], r: 1.2 * wide,
          style: "stroke:#fff;stroke-width:" + wide * 0.5, opacity,
        }, svg);
      });
    }
    const line = Math.max(picture.w, picture.h) / 350;
    if (wanted.boxes.checked) element("rect", {
      class: "box", x: pose.b[0], y: pose.b[1], width: pose.b[2], height: pose.b[3],
      "stroke-width": line, opacity: Math.max(0.3, surest),
    }, svg);
    if (wanted.scores.checked) {
      const high = Math.max(picture.w, picture.h) / 28;
      element("text", {
        class: "score", x: pose.b[0] + line, y: Math.max(pose.b[1], 0) + high,
        "font-size": high, "stroke-width": high / 6,
      }, svg).textContent = pose.s.toFixed(2);
    }
  }

  function drawLabel(svg, label, picture) {
    const wide = Math.max(picture.w, picture.h) / 300;
    for (const [a, b] of data.limbs) {
      if (label.k[3 * a + 2] > 0 && label.k[3 * b + 2] > 0) element("line", {
        class: "label-limb", x1: label.k[3 * a], y1: label.k[3 * a + 1],
        x2: label.k[3 * b], y2: label.k[3 * b + 1], "stroke-width": wide,
        "stroke-dasharray": wide * 2 + " " + wide * 1.5,
      }, svg);
    }
  }

  function draw(frame, id) {
    const picture = data.cards[id];
    frame.querySelector("svg")?.remove();
    const svg = element("svg", { viewBox: `0 0 ${picture.w} ${picture.h}` }, frame);
    const least = Number(wanted.least.value);
    // The best pose comes last, on top.
    for (const pose of picture.p.toReversed ? picture.p.toReversed() : [...picture.p].reverse()) {
      if (pose.s >= least) drawPose(svg, pose, picture);
    }
    if (wanted.labels?.checked) for (const label of picture.l) drawLabel(svg, label, picture);
  }

  // Only what is on the screen is drawn.
  const visible = new Set();
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const card = entry.target;
      if (entry.isIntersecting) { visible.add(card); draw(card.querySelector(".frame"), card.dataset.id); }
      else { visible.delete(card); card.querySelector("svg")?.remove(); }
    }
  }, { rootMargin: "300px" });
  cards.forEach((card) => watcher.observe(card));

  function redraw() {
    byId("least-value").textContent = Number(wanted.least.value).toFixed(2);
    for (const card of visible) draw(card.querySelector(".frame"), card.dataset.id);
    if (large.open) draw(large.querySelector(".frame"), shown.dataset.id);
  }
  for (const input of Object.values(wanted)) input?.addEventListener("input", redraw);

  // Filters.
  const gallery = document.querySelector(".gallery");
  const filters = [...document.querySelectorAll(".filter")];
  let shelf = "";
  function filter() {
    const words = byId("search").value.toLowerCase();
    const order = shelf ? data.shelves[shelf] : null;
    const places = order && new Map(order.map((id, place) => [String(id), place]));
    const kept = cards.filter((card) =>
      (!places || places.has(card.dataset.id)) && card.dataset.name.toLowerCase().includes(words));
    if (places) kept.sort((a, b) => places.get(a.dataset.id) - places.get(b.dataset.id));
    for (const card of cards) card.hidden = true;
    for (const card of kept) { card.hidden = false; gallery.append(card); }
    byId("shown").textContent = kept.length + (kept.length === 1 ? " picture" : " pictures");
    return kept;
  }
  for (const button of filters) button.addEventListener("click", () => {
    shelf = button.dataset.shelf;
    for (const other of filters) other.setAttribute("aria-pressed", other === button);
    filter();
  });
  byId("search").addEventListener("input", filter);

  // One picture, large.
  const large = byId("large");
  let shown = null;
  function show(card) {
    shown = card;
    const picture = data.cards[card.dataset.id];
    const frame = large.querySelector(".frame");
    frame.replaceChildren();
    frame.style.aspectRatio = `${picture.w}/${picture.h}`;
    frame.style.maxWidth = `calc(78vh * ${picture.w / picture.h})`;
    const image = card.querySelector("img")?.cloneNode();
    if (image) { image.loading = "eager"; frame.append(image); }
    large.querySelector(".name").textContent = card.dataset.name;
    large.querySelector(".small").textContent = card.querySelector(".small").textContent;
    draw(frame, card.dataset.id);
    if (!large.open) large.showModal();
  }
  function move(by) {
    const kept = [...gallery.children].filter((card) => !card.hidden);
    const next = kept[kept.indexOf(shown) + by];
    if (next) show(next);
  }
  cards.forEach((card) => card.addEventListener("click", () => show(card)));
  byId("before").addEventListener("click", () => move(-1));
  byId("after").addEventListener("click", () => move(1));
  byId("close").addEventListener("click", () => large.close());
  large.addEventListener("close", () => shown?.focus());
  large.addEventListener("click", (event) => { if (event.target === large) large.close(); });
  large.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") move(-1);
    if (event.key === "ArrowRight") move(1);
  });
  filter();
})();
