// What scripts add to pages that work without: times of the visitor's own zone, holds that count down, forms that are sent once.

const ownTime = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', timeZoneName: 'short',
});

function showOwnTimes(within) {
  for (const time of within.querySelectorAll('time[datetime]')) {
    time.title = time.textContent;
    time.textContent = ownTime.format(new Date(time.dateTime));
  }
}

// By how long the page is there, not by the clock of this machine, which may be wrong.
function countDown(element) {
  const endsAt = performance.now() + Number(element.dataset.secondsLeft) * 1000;
  const tick = () => {
    const left = Math.max(0, Math.ceil((endsAt - performance.now()) / 1000));
    element.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
    element.classList.toggle('urgent', left <= 60);
    if (left > 0) return;
    clearInterval(ticking);
    // The server says what became of it. It may be a moment behind.
    setTimeout(() => location.reload(), 1000);
  };
  const ticking = setInterval(tick, 1000);
  tick();
}

for (const form of document.querySelectorAll('form[method="post"]')) {
  form.addEventListener('submit', (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = 'yes';
  });
}
// Back from another page, a form may be sent again; the server knows whether it was before. What was held may be gone.
addEventListener('pageshow', (event) => {
  if (!event.persisted) return;
  for (const form of document.forms) delete form.dataset.sent;
  if (document.querySelector('[data-seconds-left]')) location.reload();
});

showOwnTimes(document);
document.querySelectorAll('[data-seconds-left]').forEach(countDown);
document.addEventListener('htmx:afterSwap', () => showOwnTimes(document.getElementById('live') ?? document));
