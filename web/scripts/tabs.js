// Tabs, with the keys that people expect of them.
import { find } from './dom.js';

export function makeTabs(changed) {
  const tabs = [...document.querySelectorAll('[role="tab"]')];

  function select(id) {
    for (const tab of tabs) {
      const chosen = tab.id === id;
      tab.setAttribute('aria-selected', String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      find(tab.getAttribute('aria-controls')).hidden = !chosen;
    }
    changed();
  }

  tabs.forEach((tab, i) => {
    tab.addEventListener('click', () => select(tab.id));
    tab.addEventListener('keydown', (event) => {
      const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (to === undefined) return;
      const next = tabs[(to + tabs.length) % tabs.length];
      select(next.id);
      next.focus();
      event.preventDefault();
    });
  });
  return { select };
}
