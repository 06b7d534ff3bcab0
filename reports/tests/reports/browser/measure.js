// Measures a page in the browser that shows it, and tells the page around it what is wrong with its
// looks. It is put into a copy of the page under test, never into a page for readers.
"use strict";
// Nobody looks at the page, so the browser draws no frames to wait for.
window.requestAnimationFrame = (act) => setTimeout(act, 0);
addEventListener("load", () => {
  const wrong = [];
  const say = (what) => wrong.length < 20 && wrong.push(what);
  const root = document.documentElement;
  const titled = (node) => node.querySelector?.(":scope > title")?.textContent ?? "";
  const quote = (node) => JSON.stringify(node.textContent.slice(titled(node).length).trim().slice(0, 60));
  const shownBy = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const meet = (a, b, slack) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > slack &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > slack;

  /** Runs `pair` on all boxes that share some height, sorted by their tops. */
  function pairs(boxes, pair) {
    boxes.sort((a, b) => a.box.top - b.box.top);
    boxes.forEach((one, place) => {
      for (let next = place + 1; next < boxes.length && boxes[next].box.top < one.box.bottom; next += 1) {
        pair(one, boxes[next]);
      }
    });
  }

  function width() {
    const { scrollWidth } = document.scrollingElement;
    if (scrollWidth > innerWidth) say(`the page is ${scrollWidth} px wide`);
    for (const element of document.body.querySelectorAll("*")) {
      if (element.closest("svg, .scroll, pre, .patterns") || !shownBy(element)) continue;
      const { right, left, width } = element.getBoundingClientRect();
      if (width > 0 && (right > innerWidth + 1 || left < -1)) {
        say(`<${element.localName} class="${element.className}"> reaches ${left} to ${right}`);
      }
    }
  }

  /** Text that is cut off where nothing scrolls. */
  function clipped() {
    for (const element of document.body.querySelectorAll("*:not(svg *)")) {
      const style = getComputedStyle(element);
      const hides = [style.overflowX, style.overflowY].some((one) => one === "hidden" || one === "clip");
      if (!hides || element.localName === "svg" || !shownBy(element) || !element.textContent.trim()) continue;
      const { scrollWidth, clientWidth, scrollHeight, clientHeight } = element;
      if (scrollWidth > clientWidth + 1 || scrollHeight > clientHeight + 1) {
        say(`<${element.localName} class="${element.className}"> cuts off ${quote(element)}`);
      }
    }
  }

  /** Labels of drawings that lie on each other, or reach beyond their drawing. */
  function labels(when = "as it opens") {
    for (const drawing of document.querySelectorAll("svg.zoomable, svg.witness-drawing")) {
      const whole = drawing.getBoundingClientRect();
      const texts = [...drawing.querySelectorAll("text")].filter((text) => shownBy(text) && text.textContent);
      const boxes = texts.map((text) => ({ text, box: text.getBoundingClientRect() }));
      for (const { text, box } of boxes) {
        const inner = text.closest("svg").getBoundingClientRect();
        const { left, right, top, bottom } = inner.width > 0 ? inner : whole;
        if (box.left < left - 1 || box.right > right + 1 || box.top < top - 2 || box.bottom > bottom + 2) {
          say(`${when} the label ${quote(text)} reaches beyond its drawing`);
        }
      }
      pairs(boxes, (a, b) => {
        if (meet(a.box, b.box, 2.5)) say(`${when} the labels ${quote(a.text)} and ${quote(b.text)} overlap`);
      });
    }
  }

  /** Words of the page that lie on each other. */
  function words() {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const boxes = [];
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const holder = node.parentElement;
      if (!node.data.trim() || holder.closest("svg, script, style") || !shownBy(holder)) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const box of range.getClientRects()) boxes.push({ node, box });
      const { right } = range.getBoundingClientRect();
      if (right > innerWidth + 1 && !holder.closest(".scroll, pre")) say(`${quote(node)} reaches ${right}`);
    }
    pairs(boxes, (a, b) => {
      if (a.node !== b.node && meet(a.box, b.box, 4)) say(`${quote(a.node)} and ${quote(b.node)} overlap`);
    });
  }

  /** A colour as red, green, blue and opacity, drawn to be read back. */
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  function channels(colour) {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data];
  }
  function light(colour) {
    const linear = channels(colour).slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  }
  function ground(element) {
    for (let one = element; one; one = one.parentElement) {
      const { backgroundColor } = getComputedStyle(one);
      if (channels(backgroundColor)[3] === 255) return backgroundColor;
    }
    return "white";
  }

  /** Texts that can hardly be told from their ground (WCAG 2.2, 1.4.3). */
  function contrast() {
    const seen = new Set();
    for (const element of document.body.querySelectorAll("*:not(svg *):not(svg)")) {
      const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
      if (!own || element.closest("script, style") || !shownBy(element)) continue;
      const pair = [getComputedStyle(element).color, ground(element)];
      if (seen.has(pair.join())) continue;
      seen.add(pair.join());
      const [dim, bright] = pair.map(light).sort((a, b) => a - b);
      const ratio = (bright + 0.05) / (dim + 0.05);
      if (ratio < 4.5) say(`${quote(element)} has a contrast of ${ratio.toFixed(1)}`);
    }
  }

  const look = new URLSearchParams(location.search);
  root.dataset.theme = look.get("theme");
  // What is folded is measured too.
  if (look.get("open")) document.querySelectorAll("details").forEach((one) => (one.open = true));
  for (const measure of [width, clipped, () => labels(), words, contrast]) measure();
  const { scrollHeight } = document.scrollingElement;
  const page = light(getComputedStyle(document.body).backgroundColor);
  const tell = () =>
    parent.postMessage({ look: location.search, wrong, width: innerWidth, height: scrollHeight, page }, "*");

  // The labels once more when the timeline is zoomed.
  const timeline = document.querySelector("svg.zoomable");
  const press = (key) => timeline?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  for (let times = 0; times < 5; times += 1) press("w");
  setTimeout(() => {
    labels("zoomed in");
    tell();
  }, 10);
});
addEventListener("error", (event) => {
  parent.postMessage({ look: location.search, wrong: [`the script failed: ${event.message}`] }, "*");
});
