// @ts-check
// Adds to report.html what needs a script: zooming and moving along the time axis, details under
// the pointer, the theme switch and the copy button. The page says everything without it.
//
// Texts come from systems under test: they are only ever assigned to `textContent`.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const MAX_ZOOM = 2000;
  const CHARACTER = 6.9;
  const INSET = 4;
  const STEPS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600];

  document.documentElement.classList.add("scripted");

  // All drawings share one view: how much wider than the plot all time is, and where it begins.
  const view = { zoom: 1, left: 0 };
  const drawings = [...document.querySelectorAll("svg.zoomable")].map(drawing);
  const hatches = [...document.querySelectorAll(".patterns pattern")].map((pattern) => ({
    pattern,
    turn: pattern.getAttribute("patternTransform") || "",
  }));

  /** What of one drawing moves when the view does. */
  function drawing(svg) {
    const number = (name) => Number(svg.dataset[name]);
    const texts = [...svg.querySelectorAll(".zt text")].filter((text) => !text.closest(".mark"));
    return {
      svg,
      seconds: number("seconds"),
      plot: number("plot"),
      gutter: number("gutter"),
      groups: [...svg.querySelectorAll(".zx")],
      ticks: svg.querySelector(".ticks"),
      marks: [...svg.querySelectorAll(".mark")].map((mark) => ({ mark, x: Number(mark.dataset.x) })),
      texts: texts.map((text) => ({
        text,
        inset: Number(text.dataset.inset ?? INSET),
        x: Number(text.getAttribute("x")) - Number(text.dataset.inset ?? INSET),
        room: Number(text.dataset.room),
        bar: Number(text.dataset.bar),
        // Its words, from the longest to what fits in a narrow place.
        words: text.dataset.words ? JSON.parse(text.dataset.words) : [text.textContent],
      })),
    };
  }

  /** Moves everything to where the view says. */
  function show() {
    for (const one of drawings) {
      view.left = Math.min(Math.max(view.left, 0), one.plot * (view.zoom - 1));
      const place = (x) => x * view.zoom - view.left;
      for (const group of one.groups) {
        group.setAttribute("transform", `matrix(${view.zoom} 0 0 1 ${-view.left} 0)`);
      }
      for (const { mark, x } of one.marks) {
        mark.setAttribute("transform", `translate(${place(x)} 0)`);
      }
      for (const label of one.texts) {
        showLabel(label, place(label.x));
      }
      showTicks(one, place);
    }
    for (const { pattern, turn } of hatches) {
      pattern.setAttribute("patternTransform", `scale(${1 / view.zoom} 1) ${turn}`);
    }
  }

  /** How much room a label takes. */
  const need = (label, inset) => (inset === 0 ? 0 : [...label].length * CHARACTER + 2 * inset);

  /** A bar that begins left of the view keeps its label in sight, as long as any of it is. */
  function showLabel({ text, inset, words, room, bar }, left) {
    const hidden = Math.max(0, -left);
    const gone = hidden > bar * view.zoom;
    const fitting = words.find((label) => need(label, inset) <= room * view.zoom - hidden);
    text.setAttribute("x", String(left + hidden + inset));
    text.classList.toggle("tight", gone || fitting === undefined);
    if (fitting !== undefined && fitting !== text.textContent) text.textContent = fitting;
  }

  function showTicks({ seconds, plot, ticks }, place) {
    const visible = seconds / view.zoom;
    const step = STEPS.find((step) => visible / step <= 12) || Math.ceil(visible / 10);
    const first = Math.floor(((view.left / plot) * visible) / step);
    const digits = Math.max(0, Math.ceil(-Math.log10(step)));
    ticks.replaceChildren();
    for (let count = first; count <= first + 13 && count * step <= seconds; count += 1) {
      const x = place(((count * step) / seconds) * plot);
      tick(ticks, x, `${(count * step).toFixed(digits)} s`);
    }
  }

  function tick(ticks, x, label) {
    const line = document.createElementNS(SVG, "line");
    const at = { x1: x, x2: x, y1: 14, y2: ticks.dataset.height };
    for (const [name, value] of Object.entries(at)) line.setAttribute(name, String(value));
    const text = document.createElementNS(SVG, "text");
    text.setAttribute("x", String(x + 3));
    text.setAttribute("y", "11");
    text.textContent = label;
    ticks.append(line, text);
  }

  let asked = false;
  function soon() {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      show();
    });
  }

  /** Zooms by a factor; what is at `x` of the plot stays there. */
  function zoomAt(x, factor) {
    const zoom = Math.min(Math.max(view.zoom * factor, 1), MAX_ZOOM);
    view.left = ((view.left + x) * zoom) / view.zoom - x;
    view.zoom = zoom;
    soon();
  }

  function moveBy(distance) {
    view.left += distance;
    soon();
  }

  /** How many units of the drawing one pixel of the screen is. */
  const unit = ({ svg }) => svg.viewBox.baseVal.width / svg.getBoundingClientRect().width;
  const plotX = (one, event) =>
    (event.clientX - one.svg.getBoundingClientRect().left) * unit(one) - one.gutter;

  for (const one of drawings) {
    // Without Ctrl the wheel scrolls the page, as everywhere.
    one.svg.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && !event.metaKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
        event.preventDefault();
        if (event.ctrlKey || event.metaKey) zoomAt(plotX(one, event), Math.exp(-event.deltaY / 240));
        else moveBy(event.deltaX * unit(one));
      },
      { passive: false },
    );
    one.svg.addEventListener("pointerdown", (down) => {
      if (down.button !== 0 || down.target.closest("a")) return;
      let last = down.clientX;
      const move = (event) => {
        moveBy((last - event.clientX) * unit(one));
        last = event.clientX;
      };
      const stop = () => {
        window.removeEventListener("pointermove", move);
        window.removeEventListener("pointerup", stop);
        window.removeEventListener("pointercancel", stop);
      };
      window.addEventListener("pointermove", move);
      window.addEventListener("pointerup", stop);
      window.addEventListener("pointercancel", stop);
    });
    one.svg.addEventListener("keydown", (event) => key(one, event));
    one.svg.addEventListener("dblclick", (event) => zoomAt(plotX(one, event), 2));
  }

  /** The keys of a drawing that has the focus. */
  function key(one, event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const middle = one.plot / 2;
    const acts = {
      w: () => zoomAt(middle, 1.5),
      s: () => zoomAt(middle, 1 / 1.5),
      a: () => moveBy(-one.plot / 8),
      d: () => moveBy(one.plot / 8),
      0: () => zoomAt(0, 0),
    };
    const names = { "+": "w", "=": "w", "-": "s", ArrowLeft: "a", ArrowRight: "d" };
    const act = acts[names[event.key] || event.key.toLowerCase()];
    if (act) {
      event.preventDefault();
      act();
    }
  }

  // What the pointer rests on is read out in words beneath the timeline.
  const readout = document.querySelector(".readout");
  if (readout) {
    const rest = "Point at a bar to read about it here.";
    readout.textContent = rest;
    const timeline = document.querySelector("#timeline svg.zoomable");
    timeline.addEventListener("pointerover", (event) => {
      const title = event.target.querySelector(":scope > title") || event.target.closest("g.mark")?.querySelector("title");
      readout.textContent = title ? title.textContent : rest;
    });
  }

  // The theme: the system's, unless the button was used on this page.
  const theme = document.getElementById("theme");
  theme?.addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : window.matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  const copy = document.getElementById("copy");
  copy?.addEventListener("click", async () => {
    const command = document.getElementById("command");
    try {
      await navigator.clipboard.writeText(command.textContent);
      copy.textContent = "copied";
    } catch {
      // A page opened as a file may be refused the clipboard: select the text instead.
      window.getSelection()?.selectAllChildren(command);
      copy.textContent = "selected";
    }
  });
})();
