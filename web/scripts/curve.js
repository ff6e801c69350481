// The curve of a training: loss falling, accuracy rising.
import { colour } from './dom.js';

const MOST_POINTS = 600;

export class Curve {
  constructor(canvas) {
    this.canvas = canvas;
    this.clear();
    new ResizeObserver(() => this.paint()).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.paint());
  }

  clear() {
    this.losses = []; // [images, loss], smoothed
    this.accuracies = []; // [images, share]
    this.paint();
  }

  addLoss(images, loss) {
    const last = this.losses.at(-1)?.[1] ?? loss;
    this.losses.push([images, 0.8 * last + 0.2 * loss]);
    if (this.losses.length > MOST_POINTS) this.losses = this.losses.filter((_, i) => i % 2 === 1);
  }

  addAccuracy(images, share) {
    this.accuracies.push([images, share]);
    if (this.accuracies.length > MOST_POINTS) this.accuracies = this.accuracies.filter((_, i) => i % 2 === 1);
  }

  paint() {
    const { canvas } = this;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (width === 0) return;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const context = canvas.getContext('2d');
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.font = '12px system-ui, sans-serif';
    const box = { left: 44, right: width - 34, top: 10, bottom: height - 24 };
    const most = Math.max(1, this.losses.at(-1)?.[0] ?? 1);
    const x = (images) => box.left + (images / most) * (box.right - box.left);
    const y = (share) => box.bottom - share * (box.bottom - box.top);
    context.strokeStyle = colour('--line');
    context.lineWidth = 1;
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      context.beginPath();
      context.moveTo(box.left, y(share));
      context.lineTo(box.right, y(share));
      context.stroke();
      context.textAlign = 'right';
      context.fillStyle = colour('--for');
      context.fillText(`${100 * share} %`, box.left - 5, y(share) + 4);
      context.textAlign = 'left';
      context.fillStyle = colour('--against');
      context.fillText((share * LOSS_TOP).toFixed(1), box.right + 6, y(share) + 4);
    }
    context.textAlign = 'right';
    context.fillStyle = colour('--quiet');
    context.fillText(`${most > 1 ? most.toLocaleString('en') : 0} digits`, box.right, height - 6);
    this.line(context, this.losses, (value) => Math.min(1, value / LOSS_TOP), '--against', x, y);
    this.line(context, this.accuracies, (value) => value, '--for', x, y);
  }

  line(context, points, scale, name, x, y) {
    context.strokeStyle = colour(name);
    context.lineWidth = 2;
    context.beginPath();
    points.forEach(([images, value], i) => {
      if (i === 0) context.moveTo(x(images), y(scale(value)));
      else context.lineTo(x(images), y(scale(value)));
    });
    context.stroke();
  }
}

const LOSS_TOP = 2.4; // a network that guesses among ten has 2.3
