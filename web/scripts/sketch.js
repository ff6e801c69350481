// The canvas: strokes with mouse, touch, pen or keyboard; or a picture that was dropped.

const SIDE = 280; // of the picture that the network is given, and of all coordinates
const PEN = 20; // MNIST's pens are two to three of 28 pixels wide
const STEP = 10; // of an arrow key
const MOST_UNDONE = 200;

export class Sketch {
  // `changed` is called after every change, with whether a stroke is still being drawn.
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.changed = changed;
    this.strokes = []; // each a list of [x, y]
    this.picture = null; // {pixels, height, width}, instead of strokes
    this.history = []; // what there was before each change
    this.pointer = null;
    this.cursor = { x: SIDE / 2, y: SIDE / 4, down: false, shown: false };
    this.plain = document.createElement('canvas');
    this.plain.width = this.plain.height = SIDE;
    canvas.addEventListener('pointerdown', (event) => this.press(event));
    canvas.addEventListener('pointermove', (event) => this.move(event));
    for (const end of ['pointerup', 'pointercancel']) {
      canvas.addEventListener(end, (event) => this.release(event));
    }
    canvas.addEventListener('keydown', (event) => this.key(event));
    canvas.addEventListener('blur', () => this.hideCursor());
    new ResizeObserver(() => this.paint()).observe(canvas);
  }

  get isEmpty() {
    return this.strokes.length === 0 && this.picture === null;
  }

  // What there is, as a grey picture: 0 the background, 255 the ink.
  pixels() {
    if (this.picture) return this.picture;
    const context = this.plain.getContext('2d', { willReadFrequently: true });
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = '#000';
    context.fillRect(0, 0, SIDE, SIDE);
    this.draw(context);
    const { data } = context.getImageData(0, 0, SIDE, SIDE);
    const pixels = new Uint8Array(SIDE * SIDE);
    for (let i = 0; i < pixels.length; ++i) pixels[i] = data[4 * i];
    return { pixels, height: SIDE, width: SIDE };
  }

  remember() {
    this.history.push({ strokes: this.strokes, picture: this.picture });
    if (this.history.length > MOST_UNDONE) this.history.shift();
  }

  show(picture) {
    this.remember();
    this.strokes = [];
    this.picture = picture;
    this.finish();
  }

  undo() {
    Object.assign(this, this.history.pop());
    this.cursor.down = false;
    this.finish();
  }

  clear() {
    if (!this.isEmpty) this.remember();
    this.strokes = [];
    this.picture = null;
    this.cursor.down = false;
    this.finish();
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  }

  press(event) {
    if (event.button !== 0 || this.pointer !== null) return;
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.cursor.shown = false;
    this.begin(this.place(event));
  }

  move(event) {
    if (event.pointerId !== this.pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length > 0 ? events : [event]) this.strokes.at(-1).push(this.place(each));
    this.update(true);
  }

  release(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = null;
    this.finish();
  }

  begin(place) {
    this.remember();
    this.picture = null;
    this.strokes = [...this.strokes, [place]];
    this.update(true);
  }

  key(event) {
    if (event.altKey || event.metaKey) return;
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const { cursor } = this;
    if (event.key in moves) {
      const [x, y] = moves[event.key];
      const step = event.shiftKey ? STEP / 2 : STEP;
      cursor.x = Math.min(SIDE, Math.max(0, cursor.x + x * step));
      cursor.y = Math.min(SIDE, Math.max(0, cursor.y + y * step));
      cursor.shown = true;
      if (cursor.down && this.strokes.length > 0) this.strokes.at(-1).push([cursor.x, cursor.y]);
      this.update(cursor.down);
    } else if (event.key === ' ' || event.key === 'Enter') {
      cursor.shown = true;
      cursor.down = !cursor.down;
      if (cursor.down) this.begin([cursor.x, cursor.y]);
      else this.finish();
    } else if (event.key === 'z' || event.key === 'Z' || event.key === 'Backspace') {
      this.undo();
    } else if (event.key === 'c' || event.key === 'C' || event.key === 'Delete') {
      if (event.ctrlKey) return;
      this.clear();
    } else {
      return;
    }
    event.preventDefault();
  }

  hideCursor() {
    const wasDown = this.cursor.down;
    Object.assign(this.cursor, { down: false, shown: false });
    this.paint();
    if (wasDown) this.changed(false);
  }

  finish() {
    this.update(false);
  }

  update(drawing) {
    this.paint();
    this.changed(drawing);
  }

  // The strokes in white, in the context's coordinates of SIDE.
  draw(context) {
    context.strokeStyle = context.fillStyle = '#fff';
    context.lineWidth = PEN;
    context.lineCap = context.lineJoin = 'round';
    for (const stroke of this.strokes) {
      context.beginPath();
      context.moveTo(...stroke[0]);
      // A stroke of one point is a dot.
      for (const place of stroke.length > 1 ? stroke.slice(1) : stroke) context.lineTo(...place);
      context.stroke();
    }
  }

  paint() {
    const { canvas, cursor } = this;
    const side = Math.max(1, Math.round(canvas.clientWidth * (window.devicePixelRatio || 1)));
    if (canvas.width !== side) canvas.width = canvas.height = side;
    const context = canvas.getContext('2d');
    context.setTransform(side / SIDE, 0, 0, side / SIDE, 0, 0);
    context.clearRect(0, 0, SIDE, SIDE);
    if (this.picture) this.paintPicture(context);
    else this.draw(context);
    if (!cursor.shown) return;
    context.strokeStyle = cursor.down ? '#ffb000' : '#6c9bff';
    context.lineWidth = 3;
    context.beginPath();
    context.arc(cursor.x, cursor.y, PEN / 2 + 3, 0, 2 * Math.PI);
    context.stroke();
  }

  paintPicture(context) {
    const { pixels, height, width } = this.picture;
    const { plain } = this;
    const layer = document.createElement('canvas');
    layer.width = width;
    layer.height = height;
    const image = new ImageData(width, height);
    for (let i = 0; i < pixels.length; ++i) {
      image.data.fill(pixels[i], 4 * i, 4 * i + 3);
      image.data[4 * i + 3] = 255;
    }
    layer.getContext('2d').putImageData(image, 0, 0);
    const scale = plain.width / Math.max(height, width);
    context.imageSmoothingEnabled = scale < 1;
    context.drawImage(layer, (SIDE - width * scale) / 2, (SIDE - height * scale) / 2, width * scale, height * scale);
  }
}
