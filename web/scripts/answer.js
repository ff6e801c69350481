// The answer: ten bars, a large digit, and "not sure" where it is not.
import { find, make, percent } from './dom.js';

// A network is sure of what it finds likely, and much likelier than the next.
const LIKELY = 0.6;
const AHEAD = 0.2;

export class Answer {
  constructor() {
    this.bars = [];
    this.last = '';
  }

  setClasses(names) {
    this.names = names;
    this.bars = names.map((name) => {
      const fill = make('div', { className: 'fill' });
      const share = make('span', { className: 'share' });
      const item = make('li', {}, make('span', { textContent: name }), make('div', { className: 'track' }, fill), share);
      return { item, fill, share };
    });
    find('bars').replaceChildren(...this.bars.map((bar) => bar.item));
    this.clear();
  }

  clear() {
    for (const bar of this.bars) {
      bar.fill.style.transform = 'scaleX(0)';
      bar.share.textContent = '';
      bar.item.classList.remove('first');
    }
    this.setDigit('', false);
    find('brief').textContent = '';
    find('verdict-text').textContent = 'Draw something.';
    this.last = '';
  }

  setDigit(name, sure) {
    const digit = find('digit');
    digit.textContent = name;
    digit.classList.toggle('unsure', !sure);
    digit.classList.toggle('word', name.length > 2);
  }

  // Returns {label, sure}. `final`: nobody is drawing any more, so it may be said aloud.
  show(probabilities, final, truth) {
    const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
    const [first, second] = order;
    const sure = probabilities[first] >= LIKELY && probabilities[first] - probabilities[second] >= AHEAD;
    this.bars.forEach((bar, i) => {
      bar.fill.style.transform = `scaleX(${probabilities[i]})`;
      bar.share.textContent = percent(probabilities[i]);
      bar.item.classList.toggle('first', i === first);
    });
    this.setDigit(sure ? this.names[first] : '?', sure);
    find('brief').textContent = sure ? `${this.names[first]} · ${percent(probabilities[first])}` : `${this.names[first]} or ${this.names[second]}?`;
    let words = sure
      ? `It is ${percent(probabilities[first])} sure.`
      : `Not sure: ${this.names[first]} or ${this.names[second]}?`;
    if (truth !== undefined) words += truth === first ? ' Right.' : ` The label says ${this.names[truth]}.`;
    find('verdict-text').textContent = words;
    const spoken = sure ? `${this.names[first]}. ${words}` : words;
    if (final && spoken !== this.last) find('announcement').textContent = this.last = spoken;
    return { label: first, sure };
  }
}
