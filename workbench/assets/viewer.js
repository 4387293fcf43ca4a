// One picture: its grey values by window and level, zoom and pan, and a heat map as a layer.

const ZOOM = 1.3;
const MOVE = 40;

class Viewer {
  constructor(root) {
    this.root = root;
    this.canvas = root.querySelector("canvas");
    this.heat = root.querySelector(".heat");
    this.stage = root.querySelector(".stage");
    this.waiting = root.querySelector(".waiting");
    this.range = Object.fromEntries(["window", "level", "opacity"].map((name) => [name, root.querySelector(`[data-${name}]`)]));
    this.inverted = false;
    this.panzoom = window.Panzoom(root.querySelector(".layers"), { maxScale: 12, minScale: 1, canvas: true, contain: "outside", step: 0.25 });
    this.listen();
    this.load();
  }

  async load(preprocessing = "") {
    if (this.preprocessing === preprocessing) return;
    this.preprocessing = preprocessing;
    const answer = await fetch(this.root.dataset.pixels + (preprocessing ? `?preprocessing=${preprocessing}` : ""));
    if (!answer.ok) {
      this.waiting.textContent = "No pixels of this image are kept.";
      this.waiting.classList.add("wrong");
      return;
    }
    this.pixels = new Uint8Array(await answer.arrayBuffer());
    this.side = Number(answer.headers.get("x-side"));
    this.canvas.width = this.canvas.height = this.side;
    this.waiting.hidden = true;
    if (this.root.dataset.frontal) for (const letter of this.root.querySelectorAll(".letter")) letter.hidden = false;
    this.draw();
  }

  draw() {
    if (!this.pixels) return;
    const width = Number(this.range.window.value);
    const level = Number(this.range.level.value);
    const table = new Uint8ClampedArray(256);
    for (let value = 0; value < 256; value++) {
      const shown = ((value - level) / width + 0.5) * 255;
      table[value] = this.inverted ? 255 - Math.min(255, Math.max(0, shown)) : shown;
    }
    const context = this.canvas.getContext("2d");
    const image = context.createImageData(this.side, this.side);
    for (let at = 0; at < this.pixels.length; at++) {
      const grey = table[this.pixels[at]];
      image.data[4 * at] = image.data[4 * at + 1] = image.data[4 * at + 2] = grey;
      image.data[4 * at + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    this.heat.style.opacity = this.range.opacity.value / 100;
    for (const [name, range] of Object.entries(this.range)) {
      range.previousElementSibling.textContent = name === "opacity" ? `${range.value} %` : Math.round(range.value);
    }
  }

  shift(name, by) {
    const range = this.range[name];
    range.value = Number(range.value) + by;
    this.draw();
  }

  zoom(how) {
    if (how === "reset") {
      this.panzoom.reset({ animate: false });
      this.range.window.value = 255;
      this.range.level.value = 127.5;
      this.setInverted(false);
      return;
    }
    this.panzoom.zoom(this.panzoom.getScale() * (how === "in" ? ZOOM : 1 / ZOOM), { animate: false });
  }

  setInverted(on) {
    this.inverted = on;
    this.root.querySelector("[data-invert]").setAttribute("aria-pressed", on);
    this.draw();
  }

  listen() {
    this.root.addEventListener("input", () => this.draw());
    this.root.addEventListener("click", (event) => {
      const at = event.target.closest("button");
      if (!at) return;
      if (at.dataset.zoom) this.zoom(at.dataset.zoom);
      if (at.dataset.windowStep) this.shift("window", Number(at.dataset.windowStep));
      if (at.dataset.levelStep) this.shift("level", Number(at.dataset.levelStep));
      if ("invert" in at.dataset) this.setInverted(!this.inverted);
    });
    this.stage.addEventListener("wheel", (event) => this.panzoom.zoomWithWheel(event), { passive: false });
    this.stage.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: [MOVE, 0], ArrowRight: [-MOVE, 0], ArrowUp: [0, MOVE], ArrowDown: [0, -MOVE] }[event.key];
      if (!move) return;
      event.preventDefault();
      this.panzoom.pan(...move, { relative: true, animate: false });
    });
    // Shift and dragging: across is the window, up and down the level, as at a reading desk.
    this.stage.addEventListener(
      "pointerdown",
      (event) => {
        if (!event.shiftKey) return;
        event.stopPropagation();
        event.preventDefault();
        this.stage.setPointerCapture(event.pointerId);
        const drag = (moved) => {
          this.shift("window", moved.movementX);
          this.shift("level", moved.movementY / 2);
        };
        this.stage.addEventListener("pointermove", drag);
        this.stage.addEventListener("pointerup", () => this.stage.removeEventListener("pointermove", drag), { once: true });
      },
      true,
    );
  }

  async toggleHeat(button) {
    const on = button.getAttribute("aria-pressed") !== "true";
    for (const one of document.querySelectorAll("[data-heat]")) one.setAttribute("aria-pressed", "false");
    const scale = this.root.querySelector(".scale");
    if (!on) {
      this.heat.hidden = scale.hidden = true;
      return;
    }
    const asked = button.closest("[data-asked]").dataset;
    const finding = button.dataset.heat;
    const query = new URLSearchParams({ image: asked.image, run: asked.run, label: asked.label, finding });
    button.setAttribute("aria-busy", "true");
    const answer = await fetch(`/images/heat?${query}`, { headers: { "hx-request": "true" } });
    button.removeAttribute("aria-busy");
    if (!answer.ok) {
      document.getElementById("said").outerHTML = await answer.text();
      return;
    }
    await this.load(asked.preprocessing);
    URL.revokeObjectURL(this.heat.src);
    this.heat.src = URL.createObjectURL(await answer.blob());
    this.heat.hidden = scale.hidden = false;
    button.setAttribute("aria-pressed", "true");
    const most = answer.headers.get("x-most");
    scale.querySelector("[data-heat-of]").textContent = finding || asked.label;
    scale.querySelector("[data-against]").textContent = `against −${most}`;
    scale.querySelector("[data-for]").textContent = `for +${most}`;
    scale.querySelector("[data-heat-side]").textContent = lies(answer.headers);
    this.draw();
  }
}

function lies(headers) {
  const side = headers.get("x-lies-on");
  if (!side) return "; this view tells no side";
  const left = Math.round(100 * Number(headers.get("x-left")));
  return `; ${left} % of what speaks for it lies on the patient's left, ${100 - left} % on the right`;
}

const root = document.querySelector("[data-viewer]");
if (root) {
  const viewer = new Viewer(root);
  addEventListener("click", (event) => {
    const button = event.target.closest("[data-heat]");
    if (button) viewer.toggleHeat(button);
  });
}
