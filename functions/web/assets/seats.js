// What scripts add to the page of an area's seats: what others take is not to be had any more while one looks, the map follows, no
// more is ticked than can be held, and what is ticked comes along to other rows.
{
  const EVERY = 5_000;
  const SLOWEST = 60_000;
  const form = document.querySelector('form.seats');
  const map = document.querySelector('.seat-map');
  const status = document.getElementById('seats-said');
  const most = Number(form.dataset.most);
  const boxes = [...form.querySelectorAll('[data-at]')];
  const ticked = () => boxes.filter((box) => box.checked);
  let rows = [];

  const say = (text) => {
    if (status.textContent !== text) status.textContent = text;
  };

  // As `frame/seat_map.rs` draws them: a run of neighbours is a line, and rows stand in the middle.
  function draw(look, has) {
    const widest = Math.max(...rows.map((free) => free.length));
    let path = '';
    rows.forEach((free, row) => {
      let pen = null;
      for (let seat = 0; seat < free.length; seat++) {
        if (!has(row, seat)) continue;
        const x = (widest - free.length) * 2 + seat * 4;
        let length = 3;
        for (; seat + 1 < free.length && has(row, seat + 1); seat++) length += 4;
        path += `${pen === null ? `M${x} ${row * 6 + 3}` : `m${x - pen} 0`}h${length}`;
        pen = x + length;
      }
    });
    map.querySelector(`.seats-${look}`).setAttribute('d', path);
  }

  function follow() {
    const kept = ticked().map((box) => box.value).join('/');
    for (const link of document.querySelectorAll('nav[aria-label="Rows"] a, .seat-map a')) {
      const to = new URL(link.getAttribute('href'), location);
      to.searchParams.set('kept', kept);
      link.setAttribute('href', to.pathname + to.search);
    }
    if (!rows.length) return;
    const yours = new Set(ticked().map((box) => box.dataset.at));
    draw('yours', (row, seat) => yours.has(`${row}.${seat}`));
  }

  function show() {
    const lost = [];
    for (const box of boxes) {
      const [row, seat] = box.dataset.at.split('.').map(Number);
      const isFree = rows[row]?.[seat] === '1';
      // A browser may have put a tick back where somebody else sits by now.
      if (!isFree && box.checked) {
        if (!box.disabled) lost.push(box.value);
        box.checked = false;
      }
      if (box.disabled === !isFree) continue;
      box.disabled = !isFree;
      if (isFree) box.parentElement.querySelector('.taken')?.remove();
      else box.parentElement.append(Object.assign(document.createElement('span'), { className: 'sr taken', textContent: ' taken' }));
    }
    if (lost.length) say(`${lost.join(', ')} ${lost.length === 1 ? 'was' : 'were'} taken by somebody else meanwhile.`);
    for (const left of document.querySelectorAll('[data-rows]')) {
      const free = rows.slice(...left.dataset.rows.split('-').map(Number)).join('').replaceAll('0', '').length;
      left.textContent = `${free.toLocaleString('en')} free`;
    }
    draw('free', (row, seat) => rows[row][seat] === '1');
    follow();
  }

  let version;
  let isLooking = false;
  let failures = 0;
  let next = 0;
  let timer;

  async function look() {
    if (document.hidden || isLooking) return;
    isLooking = true;
    let pause = EVERY;
    try {
      // It asks whether anything has changed, by the tag of what it knows.
      const answer = await fetch(form.dataset.live, { cache: 'no-cache', credentials: 'omit' });
      if (!answer.ok) throw answer;
      const seats = await answer.json();
      failures = 0;
      // What was sent may be one's own already.
      if (seats.version !== version && !form.dataset.sent) {
        version = seats.version;
        rows = seats.rows.map(({ free }) => free);
        show();
      }
    } catch (refused) {
      failures += 1;
      const asked = Number(refused.headers?.get('retry-after')) * 1_000 || 0;
      pause = Math.max(asked, Math.min(SLOWEST, EVERY * 2 ** failures));
    }
    isLooking = false;
    next = performance.now() + pause;
    timer = setTimeout(look, pause);
  }

  form.addEventListener('change', ({ target }) => {
    if (!target.dataset.at) return;
    const isTooMany = target.checked && ticked().length > most;
    if (isTooMany) target.checked = false;
    say(isTooMany ? `You can hold ${most} at once: untick another one first.` : '');
    follow();
  });
  document.addEventListener('visibilitychange', () => {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(look, Math.max(0, next - performance.now()));
  });
  follow();
  look();
}
